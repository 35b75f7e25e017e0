import type { PlainFault } from '../../kernel/fault.ts';
import { workerFaults } from '../faults.ts';

/** What a job in progress looks like; times are of one monotonic clock, in ms. */
interface Progress {
  startedAt: number;
  /** The newest beat, log line or call. */
  progressAt: number;
  lastBeat: string;
  /** Set once its signal was aborted. */
  aborted: { at: number; why: PlainFault } | null;
}

export interface DeadlineLimits {
  timeoutMs: number;
  silenceMs: number;
  graceMs: number;
}

type DeadlineDecision =
  /** Look again after so long. */
  { is: 'fine'; lookAfterMs: number } | { is: 'abort'; why: PlainFault } | { is: 'kill'; why: PlainFault };

/** Decides whether a job may go on: first its signal is aborted, after the grace its worker is killed. */
export function checkDeadline(job: Progress, limits: DeadlineLimits, now: number): DeadlineDecision {
  if (job.aborted) {
    const left = job.aborted.at + limits.graceMs - now;
    return left <= 0 ? { is: 'kill', why: job.aborted.why } : { is: 'fine', lookAfterMs: left };
  }
  const timeLeft = job.startedAt + limits.timeoutMs - now;
  if (timeLeft <= 0) return { is: 'abort', why: workerFaults.timeout(limits.timeoutMs) };
  const silenceLeft = Math.max(job.startedAt, job.progressAt) + limits.silenceMs - now;
  if (silenceLeft <= 0) return { is: 'abort', why: workerFaults.silent(limits.silenceMs, job.lastBeat) };
  return { is: 'fine', lookAfterMs: Math.min(timeLeft, silenceLeft) };
}
