/** What is true of one attempt: held by a host under a lease, or ended in exactly one way. `attempt` is its number. */
export type AttemptLife = HeldLease | { is: Exclude<AttemptEvent['is'], 'renewed'>; attempt: number };

export interface HeldLease {
  is: 'held';
  attempt: number;
  /** The run of the host that holds it. */
  owner: string;
  /** Epoch ms. */
  leaseUntil: number;
}

/** What can happen to an attempt. `attempt` names the one that is meant: the fence. */
export type AttemptEvent = { attempt: number } & (
  | { is: 'renewed'; leaseUntil: number }
  | { is: 'done' }
  | { is: 'failed' }
  /** It never entered `run`, or was stopped with its host: it costs the job nothing. */
  | { is: 'returned' }
  | { is: 'cancelled' }
  /** The host `owner` looks for attempts that nobody holds any more, at `now`. */
  | { is: 'lost'; owner: string; now: number }
);

/**
 * What an attempt becomes. Refused, and nothing changes: an event that means another attempt, one that comes after the
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
    case 'returned':
    case 'cancelled':
      return { is: event.is, attempt: life.attempt };
  }
}

/** Another run of the host holds it, which is gone since there is one at a time; or its lease is over. */
function isAbandoned(held: HeldLease, owner: string, now: number): boolean {
  return held.owner !== owner || held.leaseUntil <= now;
}
