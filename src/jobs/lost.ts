import type { PlainFault } from '../kernel/fault.ts';
import type { Job } from './model.ts';
import type { Settlement } from './ports.ts';
import { settle } from './step.ts';

/** For an agent that is not in force any more. */
export const BACKOFF_OF_UNKNOWN = { first: 1_000, longest: 300_000 };
/** What a lost attempt waits at most before it is tried again: it did not fail, its host did. */
const LOST_PAUSE_MS = 1_000;

/** The end of an attempt that went with its host, as the next host writes it down at `now`; `chance` in [0, 1). */
export function settleLost(job: Job, now: number, chance: number): Settlement {
  const fault: PlainFault = {
    code: 'HOST_LOST',
    message: 'the host ended while this attempt ran; whether it did its work is unknown',
  };
  return settle(
    { job: job.id, attempt: job.attempt, attempts: job.attempts, startedAt: job.startedAt ?? now, finishedAt: now },
    { is: 'failed', fault, retry: Math.round(LOST_PAUSE_MS * chance) },
    BACKOFF_OF_UNKNOWN,
    chance,
  );
}
