import type { Owner } from './ports.ts';

/** The state of one attempt: held by a host under a lease, or ended in exactly one way. `attempt` is its number. */
export type AttemptLife = HeldLease | { is: Exclude<AttemptEvent['is'], 'renewed'>; attempt: number };

interface HeldLease {
  is: 'held';
  attempt: number;
  owner: Owner;
  /** Epoch ms. */
  leaseUntil: number;
}

/** Events of an attempt. `attempt` names the one that is meant: the fence. */
export type AttemptEvent = { attempt: number } & (
  | { is: 'renewed'; leaseUntil: number }
  | { is: 'done' }
  | { is: 'failed' }
  /** The attempt never entered `run`, or was stopped with its host: the job loses nothing. */
  | { is: 'released' }
  | { is: 'cancelled' }
  /** The host `owner` looks for attempts without a holder, at `now`. */
  | { is: 'lost'; owner: Owner; now: number }
);

/**
 * The next state of an attempt. Refused, and nothing changes: an event that means another attempt, one that comes after the
 * end, and a loss that is none because the lease still holds.
 */
export function stepAttempt(life: AttemptLife, event: AttemptEvent): AttemptLife | 'refused' {
  if (life.is !== 'held' || life.attempt !== event.attempt) return 'refused';
  switch (event.is) {
    case 'renewed':
      return { ...life, leaseUntil: event.leaseUntil };
    case 'lost':
      return isAbandoned(life, event.owner, event.now) ? { is: 'lost', attempt: life.attempt } : 'refused';
    case 'done':
    case 'failed':
    case 'released':
    case 'cancelled':
      return { is: event.is, attempt: life.attempt };
  }
}

/** The lease is over; or an earlier run of the same host holds it, which is gone since a host runs once at a time. */
function isAbandoned(held: HeldLease, owner: Owner, now: number): boolean {
  const isFormerRun = held.owner.host === owner.host && held.owner.run !== owner.run;
  return isFormerRun || held.leaseUntil <= now;
}
