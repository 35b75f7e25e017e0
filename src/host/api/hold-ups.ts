import type { Catalog } from '../../catalog/ports.ts';
import type { HoldUpView } from '../../control/protocol.ts';
import type { QuarantineRecord } from '../../healing/ports.ts';
import type { Job } from '../../jobs/model.ts';
import { waitOf } from '../../jobs/waiting.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import type { Time } from '../../kernel/time.ts';
import type { Pauses } from '../pauses.ts';
import { iso, isoOrNull } from './views.ts';

/** Why a job that waits does not start; null when nothing holds it up but its own time or a free worker. */
export type HoldUps = (job: Pick<Job, 'agent' | 'state' | 'runAt' | 'error' | 'priority'>) => HoldUpView | null;

export interface HoldUpNeeds {
  time: Time;
  catalog: Pick<Catalog, 'agents' | 'listings'>;
  pauses: Pick<Pauses, 'get'>;
  healer: { quarantine(agent: string): QuarantineRecord | undefined; leastPriority?(): number | undefined };
}

/** The first hold that is found is told: nothing that comes after it would help before. */
export function createHoldUps({ time, catalog, pauses, healer }: HoldUpNeeds): HoldUps {
  return ({ agent, state, runAt, error, priority }) => {
    if (state !== 'queued' && state !== 'retrying') return null;
    // Nobody can resume an agent that is no more.
    const isListed = catalog.listings().some(({ name }) => name === agent);
    if (!isListed && !isDrillAgent(agent)) return outOfForce(agent);
    const paused = pauses.get(agent);
    if (paused?.setup) {
      const { message, next = 'daruma secrets' } = paused.setup;
      return { is: 'setup', text: message, until: null, next };
    }
    if (paused?.why !== undefined) {
      return { is: 'held', text: `${agent} is held: ${paused.why}`, until: null, next: `daruma resume ${agent}` };
    }
    if (paused) {
      const { until } = paused;
      return { is: 'paused', text: `${agent} is paused`, until: isoOrNull(until), next: `daruma resume ${agent}` };
    }
    const quarantine = healer.quarantine(agent);
    if (quarantine) return inQuarantine(quarantine, time.now());
    if (!catalog.agents().has(agent) && !isDrillAgent(agent)) return outOfForce(agent);
    const wait = state === 'retrying' ? waitOf(error) : undefined;
    if (wait) return { is: 'origin', text: `it waits for ${wait.waitsFor}`, until: iso(runAt), next: null };
    const least = healer.leastPriority?.();
    if (least !== undefined && priority < least) {
      const text = `the machine is short of memory: jobs of a priority below ${least} wait`;
      return { is: 'deferred', text, until: null, next: 'daruma incidents --open' };
    }
    return null;
  };

  function outOfForce(agent: string): HoldUpView {
    const listing = catalog.listings().find(({ name }) => name === agent);
    const why = listing ? (listing.problem?.message ?? listing.why) : 'no file in plugins/ or agents/ makes it';
    const next = listing?.problem ? 'daruma check' : listing ? `daruma status ${agent}` : 'daruma agents';
    return { is: 'off', text: `${agent} is not in force: ${why}`, until: null, next };
  }
}

function inQuarantine({ agent, incident, nextProbeAt }: QuarantineRecord, now: number): HoldUpView {
  const isDue = nextProbeAt <= now;
  const which = `${agent} is in quarantine${incident ? ` (${incident})` : ''}`;
  const text = isDue ? `held while one job is tried: ${which}` : `held until the next probe: ${which}`;
  return { is: 'quarantined', text, until: isDue ? null : iso(nextProbeAt), next: `daruma resume ${agent}` };
}
