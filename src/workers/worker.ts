import type { Agent } from '../jobs/agent.ts';
import type { Assignment, Trigger } from '../jobs/model.ts';
import type { AttemptRef } from '../jobs/ports.ts';
import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { PluginLine } from '../kernel/log.ts';
import type { Measures } from '../kernel/own-series.ts';
import type { Time } from '../kernel/time.ts';
import { createHeldAttempts, type HeldAttempts } from './held-attempts.ts';
import type { WorkerCall } from './ports.ts';
import type { Reports } from './reports.ts';
import type { Suspects } from './suspects.ts';
import type { JobNow } from './view.ts';
import {
  type CallAnswer,
  type CellFindings,
  type FromCell,
  OPEN_CALLS,
  type Reading,
  type ThreadEnd,
  type ThreadLine,
  type ToCell,
  type WorkerSpec,
} from './wire.ts';
import { createWorkTimeMeter, type WorkTime } from './work-time.ts';
import { createWorkerIntake } from './worker-intake.ts';
import { heldBy, stepWorker, takesWork, type WorkerEvent, type WorkerState } from './worker-state.ts';

interface WorkerNeeds {
  time: Time;
  reports: Reports;
  suspects: Suspects;
  post(message: ToCell): void;
  answer(call: WorkerCall, agent: Agent): Promise<unknown>;
  /** The counts of the plugin since the last time. */
  measured(measures: Measures): void;
  /** An attempt ended after so long. */
  took(durationMs: number): void;
  /** The worker is loaded and takes work at once. */
  ready(worker: HostWorker): void;
  /** The worker has ended; all that it held has come back. `failed`: the attempts that failed with it, the newest last. */
  gone(worker: HostWorker, because: PlainFault | null, failed: AttemptRef[], found: CellFindings | null): void;
}

type FromWorker = Extract<FromCell, { worker: number }>;
type CallFromWorker = Extract<FromWorker, { say: 'call' }>;

/**
 * The host's side of one worker. A HostWorker keeps the account: each attempt that it was given comes back exactly
 * once, whatever happens.
 */
export interface HostWorker {
  readonly id: number;
  /** `w12`. */
  readonly name: string;
  readonly agent: Agent;
  /** In monotonic ms. */
  readonly startedAt: number;
  state(): WorkerState;
  /** How many more jobs the worker would take when it may hold `most` at a time. */
  free(most: number): number;
  /** Sends what its cell needs to start it; until then all else waits. */
  start(spec: WorkerSpec): void;
  dispatch(assignments: Assignment[]): void;
  holds(ref: AttemptRef): boolean;
  /** Whether the worker holds the job, or did a short time ago. */
  hasHeld(job: string): boolean;
  /** False: the worker does not hold the attempt. */
  abort(ref: AttemptRef, why: PlainFault): boolean;
  /** Aborts all attempts that the worker holds, or those that were triggered so. */
  abortAll(why: PlainFault, trigger?: Trigger): void;
  /** Takes no more, gives back what has not begun, and ends when the rest is done. A run that does not end by itself is asked to stop. */
  drain(): void;
  /** Throws for more calls than a worker may have open. */
  receive(message: FromWorker): void;
  /** Lines that it wrote, with who it is. Throws for more of them than a worker may write. */
  lines(lines: readonly ThreadLine[]): PluginLine[];
  /**
   * The worker ended without a message of its own. Attempts up to the sequence number `begun` have failed of `because`,
   * the others come back unbegun; undefined: nobody knows, so all are taken for begun.
   */
  end(because: PlainFault, begun: number | undefined): void;
  /** For how long the worker has held attempts without one coming back, in ms; `tickMs` have gone by since the last call. */
  waited(tickMs: number): number;
  /** Whether the worker holds an attempt that has begun, as far as the ledger's number tells. */
  holdsBegun(begun: number | undefined): boolean;
  /** The attempts in progress, oldest first, as far as the host knows. */
  jobsNow(): JobNow[];
  reading: Reading | undefined;
  /** Whether an attempt of it ever ended. */
  hasWorked(): boolean;
  /** The time of the worker until now. */
  workTime(): WorkTime;
}

export function createHostWorker(id: number, agent: Agent, needs: WorkerNeeds): HostWorker {
  const { time, reports } = needs;
  const name = `w${id}`;
  const startedAt = time.monotonic();
  const { fingerprint, concurrency = 1 } = agent;
  const held = createHeldAttempts({ ...needs, worker: name, fingerprint, concurrency });
  let state: WorkerState = { is: 'starting', since: startedAt, held: 0 };
  let unsent: ToCell[] | null = [];
  const heldTime = createHeldTime();
  const intake = createWorkerIntake(time, needs.measured);
  const meter = createWorkTimeMeter(time, concurrency);
  let isBlocked = false;
  let worked = false;

  const calls = createCallIntake(held, agent, { ask: needs.answer, post });

  function post(message: ToCell) {
    if (unsent) unsent.push(message);
    else needs.post(message);
  }

  function move(event: WorkerEvent, waitedMs = 0) {
    const before = state.is;
    meter.until(state, waitedMs);
    state = stepWorker(state, event);
    if (state.is === 'stopping' && before !== 'stopping') post({ do: 'close', worker: id });
  }

  function back(count: number, hasEnded = true) {
    // Where jobs run side by side, the end of any of them shows that the others do not hold it up.
    if (held.size() === 0 || (hasEnded && concurrency > 1)) isBlocked = false;
    heldTime.reset();
    if (count > 0) move({ is: 'back', count, at: time.monotonic() });
    reports.changed(agent.name);
  }

  function released(seqs: number[]) {
    const count = held.released(seqs);
    // The rest of its batch takes long: no further job until that is done.
    if (held.size() > 0) isBlocked = true;
    back(count, false);
  }

  function gone(because: PlainFault | null, hasBegun: (seq: number) => boolean, end?: ThreadEnd) {
    if (state.is === 'gone') return;
    const failed = held.close(because, hasBegun, end);
    move({ is: 'ended', because });
    reports.changed(agent.name);
    needs.gone(worker, because, failed, end?.found ?? null);
  }

  const worker: HostWorker = {
    id,
    name,
    agent,
    startedAt,
    reading: undefined,
    state: () => state,
    free: (most) => (takesWork(state) && !isBlocked && !held.isUsedUp() ? Math.max(0, most - heldBy(state)) : 0),
    start(spec) {
      const messages = unsent;
      unsent = null;
      if (!messages || state.is === 'gone') return;
      needs.post({ do: 'start', worker: id, spec });
      for (const message of messages) needs.post(message);
    },
    dispatch(assignments) {
      const taken = held.take(assignments);
      if (held.size() === assignments.length) heldTime.reset();
      move({ is: 'given', count: assignments.length }, time.now() - (assignments[0]?.runAt ?? 0));
      post({ do: 'run', worker: id, count: assignments.length, ...taken });
    },
    holds: (ref) => held.seqOf(ref) !== undefined,
    hasHeld: held.hasHeld,
    abort(ref, why) {
      const seq = held.seqOf(ref);
      if (seq === undefined) return false;
      post({ do: 'abort', worker: id, seq, why });
      return true;
    },
    abortAll(why, trigger) {
      for (const seq of held.seqs(trigger)) post({ do: 'abort', worker: id, seq, why });
    },
    drain() {
      // The cell has never started this worker: no attempt began, and no thread has to end.
      if (unsent) return gone(null, () => false);
      for (const message of stopMessages(id, held)) post(message);
      move({ is: 'drain' });
    },
    receive(message) {
      switch (message.say) {
        case 'ready':
          // The start of its cell and thread has bounds of its own.
          heldTime.reset();
          move({ is: 'ready', at: time.monotonic() });
          return needs.ready(worker);
        case 'done':
          worked = true;
          return back(held.done(message.flat));
        case 'ended':
          if (!held.ended(message.end)) return;
          worked = true;
          return back(1);
        case 'released':
          return released(message.seqs);
        case 'call':
          return calls.take(message);
        case 'measured':
          return intake.measures(message);
        case 'gone':
        case 'unstoppable':
          return gone(message.because, (seq) => message.running.some((one) => one.seq === seq), message);
      }
    },
    lines(lines) {
      intake.lines(lines.length);
      return lines.map((line) => lineOf(worker, line));
    },
    end: (because, begun) => gone(because, (seq) => begun === undefined || seq <= begun),
    waited: (tickMs) => heldTime.add(tickMs, held.size() > 0),
    holdsBegun: held.hasBegun,
    jobsNow: () => jobsIn(held, worker.reading),
    hasWorked: () => worked,
    workTime: () => meter.until(state),
  };
  return worker;
}

/** For how long attempts are held without one coming back, in ms. */
function createHeldTime() {
  let ms = 0;
  return {
    reset() {
      ms = 0;
    },
    add(tickMs: number, isHolding: boolean): number {
      ms = isHolding ? ms + tickMs : 0;
      return ms;
    },
  };
}

/** Asks a run that does not end by itself to stop. The host starts it again where it may run. */
export const RUN_STOPPED = { code: 'HOST_STOPPED', message: 'it is started again elsewhere, or when it may run again' };

/** Takes back what has not begun, and stops what does not end by itself. */
function stopMessages(worker: number, held: HeldAttempts): ToCell[] {
  const runs = held.seqs('always').map((seq): ToCell => ({ do: 'abort', worker, seq, why: RUN_STOPPED }));
  return held.size() > 0 ? [{ do: 'revoke', worker }, ...runs] : [];
}

/** The line with who wrote it, as the host knows. Only a job of the worker's has lines of it. */
function lineOf({ name, agent, hasHeld }: HostWorker, { at, level, job, message, data }: ThreadLine): PluginLine {
  const owner = hasHeld(job) ? job : '';
  return { at: Math.round(at), level, agent: agent.name, job: owner, worker: name, message, data };
}

/** Answers the calls of a worker's attempts, at most {@link OPEN_CALLS} at a time: an honest worker keeps to that by itself. */
function createCallIntake(
  held: HeldAttempts,
  agent: Agent,
  { ask, post }: { ask: WorkerNeeds['answer']; post(message: ToCell): void },
) {
  let open = 0;

  async function answerTo({ seq, call }: CallFromWorker): Promise<CallAnswer> {
    const assignment = held.get(seq);
    if (!assignment) return { is: 'refused', fault: { code: 'ATTEMPT_ENDED', message: 'the attempt has ended' } };
    const { job, attempt } = assignment;
    try {
      return { is: 'answer', value: await ask({ ...call, job, attempt, agent: agent.name } as WorkerCall, agent) };
    } catch (error) {
      return { is: 'refused', fault: toPlainFault(error) };
    }
  }

  return {
    /** Throws for one more than may be open. */
    take(message: CallFromWorker) {
      const { worker, id } = message;
      if (open >= OPEN_CALLS) throw new Error(`more than ${OPEN_CALLS} calls at a time`);
      open += 1;
      void answerTo(message).then((answer) => {
        open -= 1;
        post({ do: 'answer', worker, id, answer });
      });
    },
  };
}

/** The jobs that run by the last reading; without one, those that its cell was given first. */
function jobsIn(held: HeldAttempts, reading: Reading | undefined): JobNow[] {
  const running = (reading?.running ?? []).flatMap(({ seq, startedAt, quietMs, lastBeat }) => {
    const job = held.get(seq)?.job;
    return job === undefined ? [] : [{ job, startedAt, quietMs, lastBeat: lastBeat || null }];
  });
  const first = held.seqs()[0];
  if (running.length > 0 || first === undefined) return running;
  return [{ job: held.get(first)!.job, startedAt: null, quietMs: null, lastBeat: null }];
}
