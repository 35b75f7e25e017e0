import { pauseAfter } from '../kernel/backoff.ts';
import { BOUNDS, isWithin } from '../kernel/bounds.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { isInstant } from '../kernel/instant.ts';
import { denialOf, needText } from '../kernel/needs-fault.ts';
import type { Agent, AgentLimits } from './agent.ts';
import { causeOf } from './faults.ts';
import { type JobEvent, type JobLife, stepJob } from './job-state.ts';
import type { Job, Outcome } from './model.ts';
import type { AttemptRef, Settlement } from './ports.ts';

/** For an agent that is not in force any more. */
export const BACKOFF_OF_UNKNOWN = { first: 1_000, longest: 300_000 };
/** The longest pause before a lost attempt is tried again: the host failed, and not the attempt. */
const LOST_PAUSE_MS = 1_000;

/** Ends of a running attempt. */
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
  summary?: string | undefined;
  worker?: string | undefined;
  fingerprint?: string | undefined;
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
  const { job, attempt, startedAt, finishedAt, summary, worker, fingerprint } = facts;
  const after = stepJob(heldHere(facts), eventOf(facts, end, backoff, chance));
  if (after === 'refused' || after.is === 'queued' || after.is === 'running')
    throw new Error(`${end.is} ends no attempt`);
  // All ends have one shape, written out: each job has one, and a spread costs more than all of the decision.
  return {
    job,
    attempt,
    state: after.is,
    startedAt,
    finishedAt,
    inMs: after.is === 'retrying' ? after.runAt - finishedAt : undefined,
    attempts: after.attempts === facts.attempts ? undefined : after.attempts,
    result: end.is === 'done' ? end.result : undefined,
    summary,
    error: end.is === 'failed' ? end.fault : end.is === 'cancelled' ? end.why : undefined,
    cause: end.is === 'failed' ? causeOf(end.fault) : undefined,
    worker,
    fingerprint,
  };
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

/** The end of an attempt that went with its host, as the next host writes it down at `now`; `chance` in [0, 1). */
export function settleLost(job: Job, now: number, chance: number): Settlement {
  const fault: PlainFault = {
    code: 'HOST_LOST',
    message: 'the host ended while this attempt ran; whether it did its work is unknown',
  };
  const isRun = job.trigger === 'always';
  return settle(
    { job: job.id, attempt: job.attempt, attempts: job.attempts, startedAt: job.startedAt ?? now, finishedAt: now },
    { is: 'failed', fault, retry: Math.round(LOST_PAUSE_MS * chance), ...(isRun ? { isFree: true } : {}) },
    BACKOFF_OF_UNKNOWN,
    chance,
  );
}

/**
 * The end of an attempt with values that can be stored, whatever its worker's clock says: a library may replace `Date.now`
 * by one that counts fractions, or that does not count at all. Times that are none become `now`; a pause out of its bounds
 * is left to the backoff. An end that is well is given back as it is: nearly all are, and this is asked of each.
 */
export function boundedEnd<End extends Outcome>(end: End, now: number): End {
  const isOdd = end.is === 'failed' && typeof end.retry === 'number' && !isWithin(end.retry, BOUNDS.wait);
  if (!isOdd && isInstant(end.startedAt) && isInstant(end.finishedAt) && end.startedAt <= end.finishedAt) return end;
  const startedAt = instantOr(end.startedAt, now);
  const finishedAt = Math.max(startedAt, instantOr(end.finishedAt, now));
  return { ...end, startedAt, finishedAt, ...(isOdd ? { retry: true } : {}) };
}

function instantOr(at: unknown, now: number): number {
  const whole = typeof at === 'number' ? Math.floor(at) : Number.NaN;
  return isInstant(whole) ? whole : now;
}

/** Where an agent file narrows the plugin's needs, a right that is missing is missing there first: said with its line. */
export function withNarrowing(end: AttemptEnd, { narrowed }: Pick<Agent, 'narrowed'>): AttemptEnd {
  if (end.is !== 'failed' || !narrowed) return end;
  const denial = denialOf(end.fault);
  const at = denial && narrowed[denial.need as keyof typeof narrowed];
  if (!denial || !at) return end;
  const plugin = /: (\S+:\d+)$/.exec(end.fault.next ?? '')?.[1];
  const next = `add ${needText(denial.need, denial.asked)} to needs: ${at}, which narrows the plugin's own${plugin ? ` (${plugin})` : ''}`;
  return { ...end, fault: { ...end.fault, next } };
}
