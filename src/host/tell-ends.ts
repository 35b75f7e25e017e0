import type { Settlement } from '../jobs/ports.ts';
import type { Log } from '../kernel/log.ts';
import { iso } from './views.ts';

/** Tells the log of attempts that failed: a line with the reason and what comes next. */
export function tellEnds(log: Log): (end: Settlement, agent: string) => void {
  return (end, agent) => {
    if (end.state !== 'dead' && end.state !== 'retrying') return;
    const { error, job, attempt } = end;
    const rest = end.state === 'dead' ? 'given up' : `next attempt at ${iso(end.runAt!)}`;
    const message = `${job} of ${agent} failed: ${error?.message ?? 'no reason'}; ${rest}`;
    log[end.state === 'dead' ? 'error' : 'warn'](message, { agent, job, attempt, fault: error });
  };
}
