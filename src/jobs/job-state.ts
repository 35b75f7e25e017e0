import { type AttemptEvent, stepAttempt } from './attempt-state.ts';
import type { Owner } from './ports.ts';

/** Values that every job carries through all its states. Times are epoch ms. */
interface Terms {
  /** The number of the latest attempt; 0 before the first. */
  attempt: number;
  /** The number that no attempt exceeds. */
  attempts: number;
  /** How many attempts it was given; what a redrive gives again. */
  allowed: number;
  /** The job does not start after this. */
  staleAt: number | null;
}

/** The state of a job. A state carries only what is true in it: only a waiting job has a time to start at. */
export type JobLife = Terms & (Waiting | Running | { is: 'done' } | { is: 'dead' } | { is: 'cancelled' });

interface Waiting {
  is: 'queued' | 'retrying';
  runAt: number;
}

interface Running {
  is: 'running';
  owner: Owner;
  leaseUntil: number;
  /** When it was due; due again at the same time if the attempt is given back. */
  runAt: number;
}

/** Events of a job. Events of an attempt name its number. */
export type JobEvent =
  | { is: 'claimed'; now: number; owner: Owner; leaseUntil: number }
  | Extract<AttemptEvent, { is: 'renewed' | 'released' | 'done' }>
  /**
   * `again`: when the next attempt may start, if there is one left; null: the plugin gave up. `isFree`: it was held up by
   * something that it could do nothing about, and gets another attempt for this one.
   */
  | (Extract<AttemptEvent, { is: 'failed' }> & { again: number | null; isFree?: boolean })
  | (Extract<AttemptEvent, { is: 'lost' }> & { again: number })
  /** With an attempt's number: only if that one holds the job. */
  | { is: 'cancelled'; attempt?: number }
  /** The job was looked at after its `staleAt`. */
  | { is: 'stale'; now: number }
  /** The cause of its failure is gone: the next attempt need not wait. */
  | { is: 'promoted'; now: number }
  /** A person gives it all its attempts again. */
  | { is: 'redriven'; now: number }
  /** A person takes it off the dead letters. */
  | { is: 'dropped' };

/** A job that was just accepted. */
export function newJob(runAt: number, attempts: number, staleAt: number | null): JobLife {
  return { is: 'queued', runAt, attempt: 0, attempts, allowed: attempts, staleAt };
}

/**
 * The next state of a job: the law that every store keeps. An event that does not fit the state (too late, too early, of
 * another attempt) is refused and changes nothing.
 */
export function stepJob(life: JobLife, event: JobEvent): JobLife | 'refused' {
  switch (life.is) {
    case 'queued':
    case 'retrying':
      return stepWaiting(life, event);
    case 'running':
      return stepRunning(life, event);
    case 'dead':
      return event.is === 'dropped' ? { ...termsOf(life), is: 'cancelled' } : redrivenOr(life, event);
    case 'cancelled':
      return redrivenOr(life, event);
    case 'done':
      return 'refused';
  }
}

/** Whether the job was not started by the time after which it is of no use. */
export function isStale({ staleAt }: Pick<Terms, 'staleAt'>, now: number): boolean {
  return staleAt !== null && staleAt < now;
}

function stepWaiting(life: Terms & Waiting, event: JobEvent): JobLife | 'refused' {
  switch (event.is) {
    case 'claimed': {
      const { now, owner, leaseUntil } = event;
      if (life.runAt > now || isStale(life, now)) return 'refused';
      return { ...life, is: 'running', attempt: life.attempt + 1, owner, leaseUntil };
    }
    case 'stale':
      return isStale(life, event.now) ? { ...termsOf(life), is: 'cancelled' } : 'refused';
    case 'promoted':
      return life.is === 'retrying' && life.runAt > event.now ? { ...life, runAt: event.now } : 'refused';
    case 'cancelled':
      return event.attempt === undefined ? { ...termsOf(life), is: 'cancelled' } : 'refused';
    case 'renewed':
    case 'released':
    case 'done':
    case 'failed':
    case 'lost':
    case 'redriven':
    case 'dropped':
      return 'refused';
  }
}

function stepRunning(life: Terms & Running, event: JobEvent): JobLife | 'refused' {
  switch (event.is) {
    case 'claimed':
    case 'stale':
    case 'promoted':
    case 'redriven':
    case 'dropped':
      return 'refused';
    default:
      return afterAttempt(life, event);
  }
}

/** A running job does what its attempt does: the fence is the attempt's. */
function afterAttempt(
  life: Terms & Running,
  event: Exclude<JobEvent, { is: 'claimed' | 'stale' | 'promoted' | 'redriven' | 'dropped' }>,
): JobLife | 'refused' {
  const { owner, leaseUntil } = life;
  const held = { is: 'held' as const, attempt: life.attempt, owner, leaseUntil };
  const attempt = stepAttempt(held, { ...event, attempt: event.attempt ?? life.attempt });
  if (attempt === 'refused') return 'refused';
  const terms = termsOf(life);
  switch (attempt.is) {
    case 'held':
      return { ...life, leaseUntil: attempt.leaseUntil };
    case 'released': {
      const left = life.attempt - 1;
      return { ...terms, is: left === 0 ? 'queued' : 'retrying', attempt: left, runAt: life.runAt };
    }
    case 'done':
    case 'cancelled':
      return { ...terms, is: attempt.is };
    case 'failed':
    case 'lost': {
      const again = 'again' in event ? event.again : null;
      // The number of the attempt is the fence and never comes again: what is given back is the limit.
      const attempts = life.attempts + ('isFree' in event && event.isFree ? 1 : 0);
      if (again === null || life.attempt >= attempts) return { ...terms, is: 'dead' };
      return { ...terms, is: 'retrying', attempts, runAt: again };
    }
  }
}

/** The number goes on from where it was, so that no end of the former life fits an attempt of the new one. */
function redrivenOr(life: JobLife, event: JobEvent): JobLife | 'refused' {
  if (event.is !== 'redriven') return 'refused';
  const { attempt, allowed } = life;
  return { is: 'queued', runAt: event.now, attempt, attempts: attempt + allowed, allowed, staleAt: null };
}

function termsOf({ attempt, attempts, allowed, staleAt }: Terms): Terms {
  return { attempt, attempts, allowed, staleAt };
}
