import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import { isAnnounced } from '../../telemetry/alerts/decide.ts';
import { composeDigest, healedAlert, isDigestDue } from '../../telemetry/alerts/digest.ts';
import type { Alert } from '../../telemetry/alerts/ports.ts';
import { type AlertFactNeeds, healedBetween } from './gather.ts';

/** Alerts that say one thing: what was healed, one by one or once a day. */
interface Summaries {
  /** Goes on after the last digest among the alerts of an earlier host. */
  load(alerts: readonly Alert[]): void;
  /** Those that are due and not among the known alerts. */
  due(known: readonly Alert[]): Promise<Alert[]>;
}

interface SummariesNeeds extends Pick<AlertFactNeeds, 'scrub' | 'store'> {
  time: Pick<Time, 'now'>;
  settings: Pick<HostSettings, 'alerts' | 'timezone'>;
}

/** An incident that was healed longer ago, while no host looked, is for the digest. */
const HEALED_WITHIN_MS = 600_000;

export function createSummaries(needs: SummariesNeeds): Summaries {
  const { time, settings } = needs;
  let lookedAt = time.now();
  /** Of the last digest; undefined: there was none. */
  let digestAt: number | undefined;

  async function healedOnes(known: readonly Alert[], now: number): Promise<Alert[]> {
    if (settings.alerts.healed.length === 0) return [];
    const alerts = (await healedBetween(needs, now - HEALED_WITHIN_MS, now)).map((one) => healedAlert(one, now));
    const isReported = ({ incident, id }: Alert) =>
      known.some((one) => one.id === id || (one.incident === incident && one.steps.length > 0));
    return alerts.filter((one) => !isReported(one));
  }

  async function digest(known: readonly Alert[], now: number): Promise<Alert[]> {
    const terms = { now, expression: settings.alerts.digestAt, timezone: settings.timezone };
    if (!isDigestDue(lookedAt, terms)) return [];
    // Of the first day the hosts before this one are a part.
    const since = digestAt ?? now - DAY_MS;
    lookedAt = now;
    digestAt = now;
    const holding = known.filter((one) => one.state === 'firing' && isAnnounced(one));
    const facts = { healed: await healedBetween(needs, since, now), holding, since };
    return [composeDigest(facts, { now, zone: settings.timezone })].filter((one) => one !== undefined);
  }

  return {
    load(alerts) {
      digestAt = alerts.find(({ severity }) => severity === 'digest')?.since;
      lookedAt = digestAt ?? lookedAt;
    },
    async due(known) {
      const now = time.now();
      return needs.scrub.value([...(await healedOnes(known, now)), ...(await digest(known, now))]);
    },
  };
}
