import { waitsOf } from '../jobs/later.ts';
import type { Settlement } from '../jobs/ports.ts';
import { waitOf } from '../jobs/waiting.ts';
import { mayHelp } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { iso } from './api/views.ts';

/** Jobs of one agent in a row that are dead of the same fault of the programmer or the set-up. */
interface SameAgain {
  cause: string | null | undefined;
  first: string;
  count: number;
}

/**
 * Tells the log of attempts that failed: a line with the reason and what comes next. What no other attempt can help is
 * told in full once; the next ones of the same cause are a short line each.
 */
export function recordOutcomes(log: Log): (end: Settlement, agent: string) => void {
  const again = new Map<string, SameAgain>();

  /** Whether the end is one more of the same; told then. */
  function isRepeated({ state, error, cause, job }: Settlement, agent: string): boolean {
    if (state !== 'dead' || !error || mayHelp(error)) {
      again.delete(agent);
      return false;
    }
    const known = again.get(agent);
    if (known?.cause !== cause) {
      again.set(agent, { cause, first: job, count: 1 });
      return false;
    }
    known!.count += 1;
    const message = `${job} of ${agent} failed as ${known!.first} did, ${known!.count} in a row (${cause}); not tried again`;
    log.info(message, { agent, job, cause, code: error.code });
    return true;
  }

  return (end, agent) => {
    if (isRepeated(end, agent)) return;
    if (end.state !== 'dead' && end.state !== 'retrying') return;
    const { error, job, attempt, startedAt } = end;
    const wait = end.state === 'retrying' ? waitOf(error ?? null) : undefined;
    if (wait) {
      // Told when the wait begins; its tries are the origin's story.
      const level = wait.since >= startedAt ? 'info' : 'debug';
      const message = `${job} of ${agent} waits for ${wait.waitsFor}; next attempt at ${iso(end.finishedAt + end.inMs!)}`;
      return log[level](message, { agent, job, attempt, waitsFor: wait.waitsFor });
    }
    const waits = end.state === 'retrying' && end.attempts !== undefined ? waitsOf(error ?? null) : undefined;
    if (waits) {
      const message = `${job} of ${agent} asked to be tried later: ${error!.message}; next attempt at ${iso(end.finishedAt + end.inMs!)}`;
      return log[waits.waits === 1 ? 'info' : 'debug'](message, { agent, job, attempt, waits: waits.waits });
    }
    const last = error && !mayHelp(error) ? 'not tried again: no other attempt can help' : 'given up';
    const rest = end.state === 'dead' ? last : `next attempt at ${iso(end.finishedAt + end.inMs!)}`;
    const message = `${job} of ${agent} failed: ${error?.message ?? 'no reason'}; ${rest}`;
    log[end.state === 'dead' ? 'error' : 'warn'](message, { agent, job, attempt, fault: error });
  };
}
