import type { Agent } from '../jobs/agent.ts';
import type { Assignment } from '../jobs/model.ts';
import type { Placement } from '../jobs/placement.ts';
import { pauseAfter } from '../kernel/backoff.ts';
import type { Time } from '../kernel/time.ts';
import { type BatchSizing, createBatchSizing } from './batch-sizing.ts';
import { createGaps, idleTimeoutMs } from './idle-time.ts';
import { createSuspects, type Suspects } from './suspects.ts';
import { sumOfWork, type WorkTime } from './work-time.ts';
import { type HostWorker, RUN_STOPPED } from './worker.ts';
import { takesWork } from './worker-state.ts';

/** Pauses between workers of an agent that cannot be loaded, or that crash before they have done anything. */
const START_AGAIN = { first: 100, longest: 10_000 };
/** A worker that lived this long did not crash at its start. */
const YOUNG_MS = 10_000;

interface PoolNeeds {
  time: Time;
  /** How many more workers may start now. */
  room(): number;
  /** Starts a worker of the agent in a cell of that kind. */
  startWorker(agent: Agent, cell: Placement['cell']): HostWorker;
  /** Room may have grown. */
  changed(): void;
}

/** The workers of one agent: how many jobs they take, who gets them, when one is added or goes. */
export interface Pool {
  readonly batchSizing: BatchSizing;
  readonly suspects: Suspects;
  /** The newest that the pool was given. */
  placement(): Placement;
  /** The agent as the workers know it that new jobs go to. */
  serving(): Agent;
  /**
   * The placement's agent serves as soon as a worker of it is ready, or at once where it `takesOverAtOnce` or the pool has no
   * workers; then the other workers go when they have done what they hold, but for one of the fingerprint `keepWarm`, which
   * waits without work.
   */
  use(placement: Placement): void;
  ready(worker: HostWorker): void;
  capacity(): number;
  /** Whether it has no worker for new jobs and would start one if there were room. */
  lacksRoom(): boolean;
  /** Starts a worker, whose place was kept for it, unless the pool has one. */
  admit(): void;
  /** Returns what does not fit. */
  dispatch(assignments: Assignment[]): Assignment[];
  workers(): Iterable<HostWorker>;
  gone(worker: HostWorker, isFault: boolean): void;
  /** The time of all workers that the pool ever had, until now. */
  workTime(): WorkTime;
  /**
   * Starts workers up to `workers.target`; idle workers above it go after `idleMs`, sooner where work comes seldom, and those above
   * `workers.max` at once. A worker with a job is never let go.
   */
  turn(idleMs: number): void;
  /** No more work: all workers go when they have done what they hold. */
  close(): void;
}

export function createPool(first: Placement, needs: PoolNeeds): Pool {
  const { time } = needs;
  const batchSizing = createBatchSizing();
  const suspects = createSuspects(time);
  const mostEach = () => mostHeld(agent, batchSizing, suspects);
  const workers = new Set<HostWorker>();
  let placement = first;
  /** The agent that new jobs go to. */
  let { agent } = first;
  /** The placement's agent, until its first worker is ready. */
  let staged: { agent: Agent; worker: HostWorker } | undefined;
  const gaps = createGaps(time);
  const pause = createStartPause(time, () => {
    fillUp();
    needs.changed();
  });
  let isClosed = false;
  let workBefore: WorkTime = { readyMs: 0, busyMs: 0 };

  /** The workers that new jobs may go to. */
  function current(): HostWorker[] {
    return [...workers].filter((worker) => takesWork(worker.state()) && worker.agent.fingerprint === agent.fingerprint);
  }

  /** The workers that new jobs go to: where there are too many, the newest get none, until there are enough that have none. */
  const usable = () => current().slice(0, placement.workers.max);

  function start(of = agent): HostWorker {
    const worker = needs.startWorker(of, placement.cell);
    workers.add(worker);
    return worker;
  }

  /** How many workers may still be started beside these. */
  const moreOf = (now: HostWorker[]) => Math.min(needs.room(), Math.max(0, placement.workers.max - now.length));
  const mayStart = () => !isClosed && !pause.isOn() && placement.workers.max > 0;

  function fillUp() {
    if (!mayStart()) return;
    for (let missing = placement.workers.target - current().length; missing > 0 && needs.room() > 0; missing--) start();
  }

  const dropSurplus = () => drainIdle(current(), current().length - placement.workers.max, time.monotonic());

  function serve(next: Agent) {
    agent = next;
    staged = undefined;
    pause.forget();
    retire();
    fillUp();
    needs.changed();
  }

  const retire = () => retireOthers({ workers, agent, placement, staged: staged?.worker });

  /** The new agent cannot be loaded. A listener may roll back first; otherwise the new agent serves anyway. */
  function unfit(failed: typeof staged) {
    time.after(0, () => {
      if (isClosed || !failed || staged !== failed) return;
      serve(failed.agent);
      pause.begin();
    });
  }

  return {
    batchSizing,
    suspects,
    placement: () => placement,
    serving: () => agent,
    workers: () => workers,
    workTime: () => sumOfWork([workBefore, ...[...workers].map((worker) => worker.workTime())]),
    ready(worker) {
      if (staged?.worker === worker) serve(staged.agent);
    },
    use(given) {
      placement = given;
      const { agent: next } = given;
      const { fingerprint } = next;
      if (staged?.agent.fingerprint === fingerprint) {
        staged.agent = next;
        return fillUp();
      }
      staged?.worker.drain();
      staged = undefined;
      if (fingerprint === agent.fingerprint) {
        agent = next;
        retire();
        dropSurplus();
        fillUp();
        return needs.changed();
      }
      const mayServe = [...workers].some((worker) => worker.agent.fingerprint === fingerprint && isReady(worker));
      if (mayServe || given.takesOverAtOnce || !current().some(isReady)) serve(next);
      else staged = { agent: next, worker: start(next) };
    },
    capacity: () => (mayStart() ? jobsOf(usable(), moreOf(usable()), mostEach()) : 0),
    lacksRoom: () => mayStart() && current().length === 0 && needs.room() === 0,
    admit() {
      if (mayStart() && current().length === 0) start();
      needs.changed();
    },
    dispatch(assignments) {
      if (isClosed) return assignments;
      gaps.gave();
      const most = mostEach();
      const now = usable();
      let next = dispatchToFree(now, assignments, most);
      for (let more = moreOf(now); next < assignments.length && more > 0; more--) {
        start().dispatch(assignments.slice(next, next + most));
        next += most;
      }
      return assignments.slice(next);
    },
    gone(worker, isFault) {
      workers.delete(worker);
      workBefore = sumOfWork([workBefore, worker.workTime()]);
      if (staged?.worker === worker) return unfit(staged);
      const isYoung = !worker.hasWorked() && time.monotonic() - worker.startedAt < YOUNG_MS;
      if (!isFault || worker.hasWorked()) pause.recover();
      if (isFault && isYoung && worker.agent.fingerprint === agent.fingerprint) pause.begin();
      fillUp();
    },
    turn(idleMs) {
      dropSurplus();
      const since = time.monotonic() - idleTimeoutMs(gaps.lastMs(), idleMs);
      drainIdle(current(), current().length - placement.workers.target, since);
      fillUp();
    },
    close() {
      isClosed = true;
      pause.end();
      for (const worker of workers) worker.drain();
    },
  };
}

/** How many jobs a worker may hold now: those that run side by side, or short ones that are handed over ahead. */
function mostHeld({ concurrency = 1 }: Agent, batchSizing: BatchSizing, suspects: Suspects): number {
  if (concurrency === 1) return batchSizing.prefetch();
  return suspects.areSought() ? 1 : concurrency;
}

/** How many jobs the workers would take, and `more` that may still be started. */
function jobsOf(workers: readonly HostWorker[], more: number, prefetch: number): number {
  const free = workers.reduce((sum, worker) => sum + worker.free(prefetch), 0);
  return free + more * prefetch;
}

interface RetireFacts {
  workers: ReadonlySet<HostWorker>;
  agent: Agent;
  placement: Placement;
  staged: HostWorker | undefined;
}

/** Workers of other fingerprints go, but for one that is kept warm. */
function retireOthers({ workers, agent, placement, staged }: RetireFacts): void {
  const isOther = (worker: HostWorker) => worker.agent.fingerprint !== agent.fingerprint && worker !== staged;
  const others = [...workers].filter(isOther);
  const warm = others.find((worker) => worker.agent.fingerprint === placement.keepWarm && isReady(worker));
  for (const worker of others) if (worker !== warm) worker.drain();
  // A run that does not end by itself goes on in the agent that serves, and stops where none may work.
  for (const worker of placement.workers.max === 0 ? workers : [warm]) worker?.abortAll(RUN_STOPPED, 'always');
}

/** Hands jobs to workers that have room, the freest first, each its share; returns how many were handed out. */
function dispatchToFree(workers: readonly HostWorker[], assignments: Assignment[], most: number): number {
  const free = workers.filter((worker) => worker.free(most) > 0).sort((a, b) => b.free(most) - a.free(most));
  let next = 0;
  for (const [index, worker] of free.entries()) {
    const left = assignments.length - next;
    if (left === 0) break;
    const share = Math.min(worker.free(most), Math.ceil(left / (free.length - index)));
    worker.dispatch(assignments.slice(next, next + share));
    next += share;
  }
  return next;
}

/** Drains at most `spare` of the workers that have been idle since `since` (monotonic ms). */
function drainIdle(workers: readonly HostWorker[], spare: number, since: number): void {
  for (const worker of workers) {
    if (spare <= 0) return;
    const state = worker.state();
    if (state.is !== 'idle' || state.since > since) continue;
    worker.drain();
    spare -= 1;
  }
}

/** The pauses before workers are started again, longer with each worker in a row that did nothing. */
function createStartPause(time: Time, over: () => void) {
  let failures = 0;
  let stop: (() => void) | undefined;

  function end() {
    stop?.();
    stop = undefined;
  }

  return {
    isOn: () => stop !== undefined,
    begin() {
      if (stop) return;
      failures += 1;
      stop = time.after(pauseAfter(failures, START_AGAIN, time.random()), () => {
        stop = undefined;
        over();
      });
    },
    /** A worker did something. */
    recover() {
      failures = 0;
    },
    end,
    forget() {
      failures = 0;
      end();
    },
  };
}

function isReady(worker: HostWorker): boolean {
  const { is } = worker.state();
  return is === 'idle' || is === 'busy';
}
