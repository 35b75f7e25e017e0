import type { Time } from '../kernel/time.ts';
import { heldBy, type WorkerState } from './worker-state.ts';

/** Time of workers that were ready, and how much of it they were at work, in ms. Both only ever grow. */
export interface WorkTime {
  readyMs: number;
  busyMs: number;
}

/** Workers whose load can be asked. */
export interface LoadedWorkers {
  /** How many workers of the agent are ready, and the time of all that it ever had; undefined: it has no placement. */
  load?(agent: string): (WorkTime & { ready: number }) | undefined;
}

/** The longest time between two jobs that counts as handing over, in ms: a store on a slow disk answers within it. */
const HANDOVER_MS = 100;

/** Adds up the time of one worker. */
interface WorkTimeMeter {
  /**
   * The time until now; the worker was in that state since the last call. `waitedMs`: a job begins that was due so long ago. While it was
   * claimed the worker had none, and no time for any other: that counts as work, or a worker of short jobs would never look fully
   * loaded.
   */
  until(state: WorkerState, waitedMs?: number): WorkTime;
}

/**
 * A worker that starts is not ready yet, and a worker that drains is none any more that jobs could go to. A worker that
 * does `concurrency` jobs side by side is fully at work with so many.
 */
export function createWorkTimeMeter(time: Pick<Time, 'monotonic'>, concurrency = 1): WorkTimeMeter {
  let since = time.monotonic();
  let readyMs = 0;
  let busyMs = 0;
  return {
    until(state, waitedMs = 0) {
      const now = time.monotonic();
      if (state.is === 'idle' || state.is === 'busy') {
        readyMs += now - since;
        busyMs += (now - since) * Math.min(1, heldBy(state) / concurrency);
      }
      if (state.is === 'idle') busyMs += Math.max(0, Math.min(now - state.since, waitedMs, HANDOVER_MS));
      since = now;
      return { readyMs, busyMs };
    },
  };
}

export function sumOfWork(all: Iterable<WorkTime>): WorkTime {
  const sum = { readyMs: 0, busyMs: 0 };
  for (const { readyMs, busyMs } of all) {
    sum.readyMs += readyMs;
    sum.busyMs += busyMs;
  }
  return sum;
}
