import { type Clock, dayOf, shortTime } from '../../kernel/clock.ts';
import { timetableOf } from '../../kernel/cron/timetable.ts';
import { formatDuration } from '../../kernel/units.ts';
import { alertId } from './decide.ts';
import type { Alert, AlertTrouble } from './ports.ts';

/** A trouble that was healed without anybody. Times in epoch ms. */
export interface Healed {
  incident: string;
  fingerprint: string;
  agent: string | null;
  title: string;
  seen: string;
  done: readonly string[];
  since: number;
  endedAt: number;
  /** Why it counts as healed. */
  ending: string;
}

/** Whether a digest is due that has last been sent, or begun to wait, at `last`. */
export function isDigestDue(
  last: number,
  { now, expression, timezone }: { now: number; expression: string; timezone: string },
) {
  const next = timetableOf({ expression, timezone }).next(last);
  return next !== undefined && next <= now;
}

/** The digest of what was healed since `since`, and what holds; undefined without both. */
export function composeDigest(
  { healed, holding, since }: { healed: readonly Healed[]; holding: readonly Alert[]; since: number },
  clock: Clock,
): Alert | undefined {
  if (healed.length === 0 && holding.length === 0) return undefined;
  const groups = [...Map.groupBy(healed, ({ fingerprint }) => fingerprint).values()];
  const lines = [
    `${healed.length} ${healed.length === 1 ? 'trouble was' : 'troubles were'} healed since ${shortTime(since, clock)}`,
    ...groups.map(healedLine),
    ...(holding.length === 0 ? [] : [`${holding.length} still ${holding.length === 1 ? 'holds' : 'hold'}`]),
    ...holding.map(({ title, since: begun, next }) => `✗ ${title} since ${shortTime(begun, clock)}: ${next}`),
  ];
  const words = {
    title: `${dayOf(clock.now, clock)}: ${healed.length} healed, ${holding.length} open`,
    seen: lines.join('\n'),
  };
  return single(
    { severity: 'digest', key: 'digest', agent: null, since: clock.now, endedAt: clock.now, ...words },
    clock.now,
  );
}

function healedLine(group: readonly Healed[]): string {
  const { title, incident } = group[0]!;
  const longest = Math.max(...group.map(({ since, endedAt }) => endedAt - since));
  const times = group.length === 1 ? '' : ` ×${group.length}`;
  return `✓ ${title}${times} (${group.length === 1 ? '' : 'longest '}${formatDuration(longest)}, ${incident})`;
}

/** The alert of one trouble that was healed. */
export function healedAlert(
  { incident, title, seen, done, since, endedAt, agent, ending }: Healed,
  now: number,
): Alert {
  const words = { title: `healed: ${title}`, seen, done: [...done], incident, ending };
  return single({ severity: 'healed', key: `healed:${incident}`, agent, since, endedAt, ...words }, now);
}

type Single = Pick<Alert, 'severity' | 'agent' | 'since' | 'endedAt' | 'title' | 'seen'> &
  Partial<Pick<AlertTrouble, 'incident'> & Pick<Alert, 'done' | 'ending'>> & { key: string };

/** An alert that says one thing and is over. */
function single({ key, severity, ...alert }: Single, now: number): Alert {
  return {
    ...{
      done: [],
      left: 'nothing',
      next: 'daruma incidents',
      culprit: null,
      incident: null,
      parent: null,
      ending: null,
    },
    ...{ state: 'over', returns: 0, quietUntil: null, severity, fingerprint: key },
    id: alertId(`${key}@${alert.since}`),
    steps: [{ n: 1, is: severity === 'digest' ? 'digest' : 'healed', at: now, deliveries: [] }],
    ...alert,
  };
}
