import type { PlainFault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import { workerFaults } from '../faults.ts';
import type { Culprit } from '../wire.ts';
import { isOffered, offerTicket, type RunningJob, revokeTicket, runningJobs, type Shared, TICKETS } from './shared.ts';

/** A job that takes longer than this gives up the jobs that wait behind it. */
const LONG_JOB_MS = 20;
/** Jobs that run side by side begin at once: one that has not after this time waits for an event loop that does not turn. */
const STUCK_LOOP_MS = 1_000;
/** Limits of jobs that an event loop which does not turn exceeds for all of them: then nobody knows whose code it is. */
const OWN_LIMITS: ReadonlySet<string> = new Set(['TIMEOUT', 'SILENT']);

interface WatchNeeds {
  time: Time;
  /** The shared clock. */
  clock(): number;
  /** Aborts the signal of a job in progress. */
  sendAbort(seq: number, why: PlainFault): void;
  kill(why: PlainFault, culprits: Culprit[]): void;
  /** Jobs that were taken back. */
  released(seqs: number[]): void;
}

/** Watches over what a worker was given, through shared memory: deadlines of the jobs in progress, and those that wait behind a long one. */
interface AttemptWatch {
  /** Jobs are handed over. */
  given(first: number, count: number): void;
  /** The number of jobs that have ended. */
  ended(count: number): void;
  /** The worker is ready: its jobs begin. */
  begin(): void;
  /** Aborts a job in progress; `waiting`: it had not begun, was taken back, and never will. */
  abort(seq: number, why: PlainFault): 'waiting' | 'aborted' | 'unknown';
  /** Takes back what has not begun. */
  revoke(): void;
  stop(): void;
}

export function createWatch(shared: Shared, limits: DeadlineLimits, needs: WatchNeeds): AttemptWatch {
  const { time, clock } = needs;
  const waitMs = shared.places === 1 ? LONG_JOB_MS : STUCK_LOOP_MS;
  let lastGiven = 0;
  let held = 0;
  let watching = false;
  const aborted = new Map<number, { at: number; why: PlainFault }>();
  /** With several places: the last of the jobs that were handed over when it was last looked whether they wait. */
  let knownWaiting = 0;
  let stopDeadline: (() => void) | undefined;
  let stopRevoking: (() => void) | undefined;

  /** Looks whether the jobs in progress may go on, and when to look again. */
  function look() {
    stopDeadline?.();
    stopDeadline = undefined;
    if (!watching || held === 0) return;
    const running = runningJobs(shared);
    for (const seq of aborted.keys()) if (!running.some((job) => job.seq === seq)) aborted.delete(seq);
    // A job that begins from now on cannot be late before this.
    let next = Math.min(limits.timeoutMs, limits.silenceMs);
    const now = clock();
    for (const job of running) {
      const decision = checkDeadline({ ...job, aborted: aborted.get(job.seq) ?? null }, limits, now);
      if (decision.is === 'kill') return needs.kill(decision.why, culpritsAmong(running));
      if (decision.is === 'abort') beginAbort(job.seq, decision.why);
      next = Math.min(next, decision.is === 'abort' ? limits.graceMs : decision.lookAfterMs);
    }
    lookAgain(next);
  }

  /** The jobs that were to end and have not. */
  function culpritsAmong(running: readonly RunningJob[]): Culprit[] {
    return running.flatMap(({ seq, hasHeard }) => {
      const why = aborted.get(seq)?.why;
      return why && (hasHeard || !OWN_LIMITS.has(why.code)) ? [{ seq, why }] : [];
    });
  }

  function beginAbort(seq: number, why: PlainFault) {
    aborted.set(seq, { at: clock(), why });
    needs.sendAbort(seq, why);
  }

  function lookAgain(ms: number) {
    stopDeadline = time.after(Math.max(1, Math.ceil(ms)), look);
  }

  function abort(seq: number, why: PlainFault) {
    if (revokeTicket(shared, seq)) {
      held -= 1;
      return 'waiting';
    }
    if (!runningJobs(shared).some((job) => job.seq === seq)) return 'unknown';
    if (aborted.has(seq)) return 'aborted';
    beginAbort(seq, why);
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
    if (areBlocked()) return revokeWaiting();
    knownWaiting = lastGiven;
    stopRevoking = time.after(waitMs, freeWaiting);
  }

  /** Whether the jobs that have not begun wait behind one that takes long. */
  function areBlocked(): boolean {
    const [oldest] = runningJobs(shared);
    if (!oldest || clock() - oldest.startedAt <= waitMs) return false;
    if (shared.places === 1) return true;
    for (let seq = Math.max(1, knownWaiting - TICKETS + 1); seq <= knownWaiting; seq++)
      if (isOffered(shared, seq)) return true;
    return false;
  }

  function arm() {
    if (!watching || held === 0) return;
    if (!stopDeadline) lookAgain(Math.min(limits.timeoutMs, limits.silenceMs));
    if (held > 1 && !stopRevoking) stopRevoking = time.after(waitMs, freeWaiting);
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
