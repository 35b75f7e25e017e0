import { pauseAfter } from '../kernel/backoff.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { AgentLimits } from './agent.ts';
import { causeOf } from './cause.ts';
import { type JobEvent, type JobLife, stepJob } from './job-state.ts';
import type { AttemptRef, Settlement } from './ports.ts';

/** What a running attempt can come to. */
export type AttemptEnd =
  | { is: 'done'; result: string | null }
  /** `isFree`: with a pause; it costs the job no attempt. */
  | { is: 'failed'; fault: PlainFault; retry: boolean | number; isFree?: boolean }
  /** The attempt was cancelled by a person or by `overlap: replace`. */
  | { is: 'cancelled'; why: PlainFault };

interface AttemptFacts extends AttemptRef {
  attempts: number;
  startedAt: number;
  finishedAt: number;
  summary?: string;
  worker?: string;
  fingerprint?: string;
}

/**
 * Decides by {@link stepJob} what becomes of a job when an attempt ends: done, cancelled, retrying at a time, or dead.
 *
 * - `retry: false` (GiveUp) or the last attempt used up → dead.
 * - a number (RetryLater) is the pause in ms; otherwise the backoff with `chance` in [0, 1).
 * - `isFree` gives the attempt back: the limit grows by one.
 */
export function settle(
  facts: AttemptFacts,
  end: AttemptEnd,
  backoff: AgentLimits['backoff'],
  chance: number,
): Settlement {
  const { attempts, ...base } = facts;
  const job = stepJob(heldHere(facts), eventOf(facts, end, backoff, chance));
  if (job === 'refused' || job.is === 'queued' || job.is === 'running') throw new Error(`${end.is} ends no attempt`);
  const again = job.is === 'retrying' ? { inMs: job.runAt - facts.finishedAt } : {};
  const limit = job.attempts === attempts ? {} : { attempts: job.attempts };
  return { ...base, ...recordOf(end), state: job.is, ...again, ...limit };
}

const HERE = { host: 'this host', run: 'this run' };

/**
 * The job as this host believes it to be: held by the attempt that ended. The store's fence knows better and has the
 * last word. No end depends on the terms that are not known here.
 */
function heldHere({ attempt, attempts, startedAt, finishedAt }: AttemptFacts): JobLife {
  const terms = { attempt, attempts, allowed: attempts, staleAt: null };
  return { ...terms, is: 'running', owner: HERE, leaseUntil: finishedAt, runAt: startedAt };
}

function eventOf(
  { attempt, finishedAt }: AttemptFacts,
  end: AttemptEnd,
  backoff: AgentLimits['backoff'],
  chance: number,
): JobEvent {
  if (end.is !== 'failed') return { is: end.is, attempt };
  if (end.retry === false) return { is: 'failed', attempt, again: null };
  const pause = typeof end.retry === 'number' ? end.retry : pauseAfter(attempt, backoff, chance);
  return { is: 'failed', attempt, again: finishedAt + pause, ...(end.isFree ? { isFree: true } : {}) };
}

function recordOf(end: AttemptEnd): Pick<Settlement, 'result' | 'error' | 'cause'> {
  switch (end.is) {
    case 'done':
      return { result: end.result };
    case 'cancelled':
      return { error: end.why };
    case 'failed':
      return { error: end.fault, cause: causeOf(end.fault) };
  }
}
