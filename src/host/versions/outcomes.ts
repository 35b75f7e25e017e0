import { type ProbationRuns, SEVERE, withEnd } from '../../catalog/rollout/probation.ts';
import { causeOf } from '../../jobs/cause.ts';
import type { Settlement } from '../../jobs/ports.ts';

/** Failures that nobody on probation is blamed for: somebody wanted it, the plugin knows that a service is busy, or it is down. */
export const NO_FAULT: ReadonlySet<string> = new Set([
  'HOST_STOPPED',
  'HOST_LOST',
  'CANCELLED',
  'REPLACED',
  'LEASE_LOST',
  'RECYCLED',
  'RETRY_LATER',
  'ORIGIN_DOWN',
]);

/** With the end of an attempt. What took its worker along was counted with the worker, unless nobody else does. */
export function counted(
  runs: ProbationRuns,
  end: Settlement,
  excused: readonly string[],
  withSevere: boolean,
): ProbationRuns {
  if (end.state === 'done') return withEnd(runs, { is: 'done', ms: Math.max(0, end.finishedAt - end.startedAt) });
  const { error, cause } = end;
  if (end.state === 'cancelled' || !error || NO_FAULT.has(error.code)) return runs;
  if (SEVERE.has(error.code) && !withSevere) return runs;
  return withEnd(runs, { is: 'failed', at: end.finishedAt, fault: error, cause: cause ?? causeOf(error) }, excused);
}
