import type { Time } from '../kernel/time.ts';

/** A suspect that has not come back to its agent's workers after this long is not waited for: it may be cancelled, or on another host. */
const AWAITED_MS = 60_000;
const MOST_PROVEN = 1_000;

/**
 * Jobs of one agent whose worker ended while they ran side by side, so that nobody knows of which it ended. While there are any,
 * the agent's workers do one job at a time: each suspect is tried again alone, and the next end of a worker has one cause.
 */
export interface Suspects {
  /** The agent's workers are to do one job at a time. */
  areSought(): boolean;
  accuse(jobs: readonly string[]): void;
  /** The job was given to a worker. */
  given(job: string): void;
  /** The job came back: it ended by itself, or had not begun. */
  cameBack(job: string, hasEnded: boolean): void;
  /** The worker of the job ended while the job was alone in it. */
  prove(job: string): void;
  isProven(job: string): boolean;
}

export function createSuspects(time: Time): Suspects {
  /** When each of them was accused, in monotonic ms; null: a worker has it. */
  const sought = new Map<string, number | null>();
  const proven = new Set<string>();

  return {
    areSought() {
      for (const [job, since] of sought) {
        if (since !== null && time.monotonic() - since > AWAITED_MS) sought.delete(job);
      }
      return sought.size > 0;
    },
    accuse(jobs) {
      for (const job of jobs) sought.set(job, time.monotonic());
    },
    given(job) {
      if (sought.has(job)) sought.set(job, null);
    },
    cameBack(job, hasEnded) {
      if (hasEnded) {
        sought.delete(job);
        proven.delete(job);
      } else if (sought.has(job)) sought.set(job, time.monotonic());
    },
    prove(job) {
      sought.delete(job);
      proven.add(job);
      if (proven.size > MOST_PROVEN) proven.delete(proven.values().next().value!);
    },
    isProven: (job) => proven.has(job),
  };
}
