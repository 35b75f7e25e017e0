import type { Agent } from '../jobs/agent.ts';
import { classOf, type WaitingAgent } from '../jobs/fairness.ts';
import type { Time } from '../kernel/time.ts';
import type { Pool } from './pool.ts';
import { mayGo, type PlacedWorker, planRoom } from './room-plan.ts';
import type { RoomWait, WorkersView } from './view.ts';
import type { HostWorker } from './worker.ts';
import { takesWork } from './worker-state.ts';

/**
 * The bound on the workers of all agents together. An agent that has none and finds no room waits for its turn; workers of others
 * make room between two jobs. Workers of agents that run always are not counted: they would never make room.
 */
export interface WorkerRoom {
  /** A worker has its place; to be called for each that starts. */
  started(worker: HostWorker): void;
  /** A worker has gone. */
  gone(worker: HostWorker): void;
  /** How many more workers may start now: none while agents wait. `isCritical`: of a critical agent, which no pressure narrows. */
  left(isCritical?: boolean): number;
  /** A narrower bound for as long as the machine is short; Infinity: none. */
  narrow(to: number): void;
  /** The agent has due jobs and no worker, and no room was left: it waits from now on, if it does not yet. */
  wait(agent: Agent): void;
  /** The wait of the agent; undefined: it does not wait. */
  waitsFor(agent: string): RoomWait | undefined;
  view(): WorkersView['room'];
  /** Gives places to those that wait, and looks for workers that make room. */
  review(): void;
}

interface WorkerRoomNeeds {
  time: Pick<Time, 'monotonic'>;
  workers(): Iterable<HostWorker>;
  pools: ReadonlyMap<string, Pool>;
}

/** `widest`: workers that there may be at once. */
export function createWorkerRoom({ time, workers, pools }: WorkerRoomNeeds, widest: number): WorkerRoom {
  const waiting = new Map<string, WaitingAgent>();
  let count = 0;
  let most = widest;
  let isReviewDue = false;

  function counted(): HostWorker[] {
    return [...workers()].filter((worker) => !worker.agent.always);
  }

  function placed(): PlacedWorker[] {
    const idle = new Map<string, number>();
    return counted().map((worker) => {
      const { name } = worker.agent;
      const pool = pools.get(name);
      const state = worker.state();
      const count = (idle.get(name) ?? 0) + 1;
      if (state.is === 'idle') idle.set(name, count);
      return {
        ...{ id: worker.id, agent: name, class: classOf(pool?.serving() ?? worker.agent), since: worker.startedAt },
        idleSince: state.is === 'idle' ? state.since : null,
        isLeaving: !takesWork(state),
        isKept: count <= (pool?.placement().workers.min ?? 0),
      };
    });
  }

  function review() {
    if (waiting.size === 0) return;
    const now = time.monotonic();
    const all = placed();
    // A thousand agents may wait: they are looked through when there is a place for one of them, or could be.
    if (all.length >= most && !all.some((worker) => mayGo(worker, now))) return;
    for (const [name] of waiting) if (!pools.has(name) || hasWorker(name)) waiting.delete(name);
    const { start, drain } = planRoom({ now, most, workers: all, waiting: [...waiting.values()] });
    for (const name of start) {
      waiting.delete(name);
      pools.get(name)!.admit();
    }
    const leaving = new Set(drain);
    for (const worker of counted()) if (leaving.has(worker.id)) worker.drain();
  }

  /** Once for all agents that find no room in one turn of the event loop. */
  function reviewSoon() {
    if (isReviewDue) return;
    isReviewDue = true;
    queueMicrotask(() => {
      isReviewDue = false;
      review();
    });
  }

  function hasWorker(name: string): boolean {
    for (const worker of pools.get(name)?.workers() ?? []) if (takesWork(worker.state())) return true;
    return false;
  }

  return {
    started(worker) {
      waiting.delete(worker.agent.name);
      if (!worker.agent.always) count += 1;
    },
    gone(worker) {
      if (!worker.agent.always) count -= 1;
    },
    left: (isCritical = false) => Math.max(0, isCritical ? widest - count : most - count - waiting.size),
    narrow(to) {
      most = Math.min(widest, to);
      review();
    },
    wait(agent) {
      const { name } = agent;
      if (hasWorker(name)) return;
      const since = waiting.get(name)?.since ?? time.monotonic();
      waiting.set(name, { agent: name, class: classOf(agent), since });
      reviewSoon();
    },
    waitsFor(name) {
      const since = waiting.get(name)?.since;
      return since === undefined ? undefined : { forMs: time.monotonic() - since, most, isNarrowed: most < widest };
    },
    view() {
      const now = time.monotonic();
      const agents = [...waiting.values()].map(({ agent, since }) => ({ agent, forMs: Math.round(now - since) }));
      return { most: Number.isFinite(most) ? most : null, waiting: agents };
    },
    review,
  };
}
