/** The pauses between attempts, which double up to a longest one. */
export interface Backoff {
  /** ms before the second attempt. */
  first: number;
  /** ms that no pause exceeds before chance is added. */
  longest: number;
}

/** The part of a pause that chance adds or takes away, so that failed crowds do not come back as one. */
export const BACKOFF_SPREAD = 0.25;

/**
 * The pause after the failed attempt number `attempt` (1, 2, …) in ms: `first`, doubled with each attempt up to
 * `longest`, ±25 % by `chance` in [0, 1).
 */
export function pauseAfter(attempt: number, backoff: Backoff, chance: number): number {
  const plain = Math.min(backoff.longest, backoff.first * 2 ** Math.min(attempt - 1, 40));
  return Math.round(plain * (1 - BACKOFF_SPREAD + 2 * BACKOFF_SPREAD * chance));
}
