import type { Agent } from '../jobs/agent.ts';
import type { Assignment } from '../jobs/model.ts';
import { pauseAfter } from '../kernel/backoff.ts';
import type { Time } from '../kernel/time.ts';
import { createPace, type Pace } from './pace.ts';
import type { HostWorker } from './worker.ts';
import { takesWork } from './worker-state.ts';

/** Pauses between workers of an agent that cannot be loaded, or that crash before they have done anything. */
const START_AGAIN = { first: 100, longest: 10_000 };
/** A worker that lived this long did not crash at its start. */
const YOUNG_MS = 10_000;

export interface PoolNeeds {
  time: Time;
  /** Starts a worker of the agent. */
  startWorker(agent: Agent): HostWorker;
  /** Room may have grown. */
  changed(): void;
}

/** The workers of one agent: how many jobs they take, who gets them, when one is added or goes. */
export interface Pool {
  readonly pace: Pace;
  agent(): Agent;
  /** Workers of another fingerprint go when they have done what they hold. */
  use(agent: Agent): void;
  room(): number;
  /** Returns what does not fit. */
  give(assignments: Assignment[]): Assignment[];
  workers(): Iterable<HostWorker>;
  gone(worker: HostWorker, isFault: boolean): void;
  /** Starts workers up to `workers.min`; idle ones above it go after `idleMs`. */
  turn(idleMs: number): void;
  /** No more work: all workers go when they have done what they hold. */
  close(): void;
}

export function createPool(first: Agent, needs: PoolNeeds): Pool {
  const { time } = needs;
  const pace = createPace();
  const workers = new Set<HostWorker>();
  let agent = first;
  let failures = 0;
  let stopPause: (() => void) | undefined;
  let isClosed = false;

  /** Those that new jobs may go to. */
  function current(): HostWorker[] {
    return [...workers].filter((worker) => takesWork(worker.state()) && worker.agent.fingerprint === agent.fingerprint);
  }

  function pause() {
    if (stopPause) return;
    failures += 1;
    stopPause = time.after(pauseAfter(failures, START_AGAIN, time.random()), () => {
      stopPause = undefined;
      fillUp();
      needs.changed();
    });
  }

  function start(): HostWorker {
    const worker = needs.startWorker(agent);
    workers.add(worker);
    return worker;
  }

  function fillUp() {
    if (isClosed || stopPause) return;
    for (let missing = agent.workers.min - current().length; missing > 0; missing--) start();
  }

  return {
    pace,
    agent: () => agent,
    workers: () => workers,
    use(next) {
      const isNew = next.fingerprint !== agent.fingerprint;
      agent = next;
      if (isNew) {
        failures = 0;
        stopPause?.();
        stopPause = undefined;
        for (const worker of workers) if (worker.agent.fingerprint !== next.fingerprint) worker.drain();
      }
      fillUp();
      needs.changed();
    },
    room() {
      if (isClosed || stopPause) return 0;
      const ahead = pace.ahead();
      let room = 0;
      let count = 0;
      for (const worker of workers) {
        if (!takesWork(worker.state()) || worker.agent.fingerprint !== agent.fingerprint) continue;
        count += 1;
        room += worker.free(ahead);
      }
      return room + Math.max(0, agent.workers.max - count) * ahead;
    },
    give(assignments) {
      if (isClosed) return assignments;
      const ahead = pace.ahead();
      const now = current();
      let next = 0;
      const free = now.filter((worker) => worker.free(ahead) > 0).sort((a, b) => b.free(ahead) - a.free(ahead));
      for (const [index, worker] of free.entries()) {
        const left = assignments.length - next;
        if (left === 0) break;
        const share = Math.min(worker.free(ahead), Math.ceil(left / (free.length - index)));
        worker.give(assignments.slice(next, next + share));
        next += share;
      }
      for (let count = now.length; next < assignments.length && count < agent.workers.max; count++) {
        start().give(assignments.slice(next, next + ahead));
        next += ahead;
      }
      return assignments.slice(next);
    },
    gone(worker, isFault) {
      workers.delete(worker);
      const isYoung = !worker.hasWorked() && time.monotonic() - worker.startedAt < YOUNG_MS;
      if (!isFault || worker.hasWorked()) failures = 0;
      if (isFault && isYoung && worker.agent.fingerprint === agent.fingerprint) pause();
      fillUp();
    },
    turn(idleMs) {
      const now = time.monotonic();
      let spare = current().length - agent.workers.min;
      for (const worker of workers) {
        if (spare <= 0) break;
        const state = worker.state();
        if (state.is !== 'idle' || now - state.since < idleMs) continue;
        worker.drain();
        spare -= 1;
      }
      fillUp();
    },
    close() {
      isClosed = true;
      stopPause?.();
      stopPause = undefined;
      for (const worker of workers) worker.drain();
    },
  };
}
