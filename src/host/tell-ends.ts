import { waitsOf } from '../jobs/later.ts';
import type { Settlement } from '../jobs/ports.ts';
import { waitOf } from '../jobs/waiting.ts';
import type { Log } from '../kernel/log.ts';
import { iso } from './door/views.ts';

/** Tells the log of attempts that failed: a line with the reason and what comes next. */
export function tellEnds(log: Log): (end: Settlement, agent: string) => void {
  return (end, agent) => {
    if (end.state !== 'dead' && end.state !== 'retrying') return;
    const { error, job, attempt, startedAt } = end;
    const wait = end.state === 'retrying' ? waitOf(error ?? null) : undefined;
    if (wait) {
      // Told when the wait begins; its tries are the origin's story.
      const level = wait.since >= startedAt ? 'info' : 'debug';
      const message = `${job} of ${agent} waits for ${wait.waitsFor}; next attempt at ${iso(end.runAt!)}`;
      return log[level](message, { agent, job, attempt, waitsFor: wait.waitsFor });
    }
    const waits = end.state === 'retrying' && end.attempts !== undefined ? waitsOf(error ?? null) : undefined;
    if (waits) {
      const message = `${job} of ${agent} asked to be tried later: ${error!.message}; next attempt at ${iso(end.runAt!)}`;
      return log[waits.waits === 1 ? 'info' : 'debug'](message, { agent, job, attempt, waits: waits.waits });
    }
    const rest = end.state === 'dead' ? 'given up' : `next attempt at ${iso(end.runAt!)}`;
    const message = `${job} of ${agent} failed: ${error?.message ?? 'no reason'}; ${rest}`;
    log[end.state === 'dead' ? 'error' : 'warn'](message, { agent, job, attempt, fault: error });
  };
}
