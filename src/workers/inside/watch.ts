import type { PlainFault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import { workerFaults } from '../faults.ts';
import { currentOf, MARK, offerTicket, revokeTicket, type Shared, TICKETS, TIME } from './shared.ts';

/** A job that takes longer than this gives up the jobs that wait behind it. */
const LONG_JOB_MS = 20;

interface WatchNeeds {
  time: Time;
  /** The shared clock. */
  clock(): number;
  /** Aborts the signal of the job in progress. */
  sendAbort(seq: number, why: PlainFault): void;
  kill(why: PlainFault): void;
  /** Jobs that were taken back. */
  released(seqs: number[]): void;
}

/** Watches over what a worker was given, through shared memory: deadlines of the job in progress, and those that wait behind a long one. */
interface AttemptWatch {
  /** Jobs are handed over. */
  given(first: number, count: number): void;
  /** The number of jobs that have ended. */
  ended(count: number): void;
  /** The worker is ready: its jobs begin. */
  begin(): void;
  /** Aborts the job in progress; `waiting`: it had not begun, was taken back, and never will. */
  abort(seq: number, why: PlainFault): 'waiting' | 'aborted' | 'unknown';
  /** Takes back what has not begun. */
  revoke(): void;
  stop(): void;
}

export function createWatch(shared: Shared, limits: DeadlineLimits, needs: WatchNeeds): AttemptWatch {
  const { time, clock } = needs;
  let lastGiven = 0;
  let held = 0;
  let watching = false;
  let aborted: { seq: number; at: number; why: PlainFault } | undefined;
  let stopDeadline: (() => void) | undefined;
  let stopRevoking: (() => void) | undefined;

  /** Looks whether the job in progress may go on, and when to look again. */
  function look() {
    stopDeadline?.();
    stopDeadline = undefined;
    if (!watching || held === 0) return;
    const seq = currentOf(shared);
    // Between two jobs: one that begins now cannot be late before this.
    if (seq === 0) return lookAgain(Math.min(limits.timeoutMs, limits.silenceMs));
    const decision = checkDeadline(
      {
        startedAt: shared.times[TIME.startedAt]!,
        progressAt: shared.times[TIME.progressAt]!,
        lastBeat: lastBeatOf(shared),
        aborted: aborted?.seq === seq ? aborted : null,
      },
      limits,
      clock(),
    );
    if (decision.is === 'fine') lookAgain(decision.lookAfterMs);
    else if (decision.is === 'kill') needs.kill(decision.why);
    else abort(seq, decision.why);
  }

  function lookAgain(ms: number) {
    stopDeadline = time.after(Math.max(1, Math.ceil(ms)), look);
  }

  function abort(seq: number, why: PlainFault) {
    if (revokeTicket(shared, seq)) {
      held -= 1;
      return 'waiting';
    }
    if (currentOf(shared) !== seq) return 'unknown';
    if (aborted?.seq === seq) return 'aborted';
    aborted = { seq, at: clock(), why };
    needs.sendAbort(seq, why);
    look();
    return 'aborted';
  }

  function revokeWaiting() {
    const seqs: number[] = [];
    for (let seq = Math.max(1, lastGiven - TICKETS + 1); seq <= lastGiven; seq++) {
      if (revokeTicket(shared, seq)) seqs.push(seq);
    }
    held -= seqs.length;
    if (seqs.length > 0) needs.released(seqs);
  }

  function freeWaiting() {
    stopRevoking = undefined;
    if (!watching || held < 2) return;
    const isBlocked = currentOf(shared) !== 0 && clock() - shared.times[TIME.startedAt]! > LONG_JOB_MS;
    if (isBlocked) revokeWaiting();
    else stopRevoking = time.after(LONG_JOB_MS, freeWaiting);
  }

  function arm() {
    if (!watching || held === 0) return;
    if (!stopDeadline) lookAgain(Math.min(limits.timeoutMs, limits.silenceMs));
    if (held > 1 && !stopRevoking) stopRevoking = time.after(LONG_JOB_MS, freeWaiting);
  }

  return {
    given(first, count) {
      lastGiven = first + count - 1;
      held += count;
      for (let seq = first; seq <= lastGiven; seq++) offerTicket(shared, seq);
      arm();
    },
    ended(count) {
      held -= count;
    },
    begin() {
      watching = true;
      arm();
    },
    abort,
    revoke: revokeWaiting,
    stop() {
      watching = false;
      stopDeadline?.();
      stopRevoking?.();
      stopDeadline = stopRevoking = undefined;
    },
  };
}

/** The text of the last beat of the job in progress; empty without one. */
export function lastBeatOf(shared: Shared): string {
  return shared.note.toString('utf8', 0, shared.marks[MARK.note]);
}

/** The progress of a job that runs; times are of one monotonic clock, in ms. */
interface Progress {
  startedAt: number;
  /** The newest beat, log line or call. */
  progressAt: number;
  lastBeat: string;
  /** Set once its signal was aborted. */
  aborted: { at: number; why: PlainFault } | null;
}

interface DeadlineLimits {
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
