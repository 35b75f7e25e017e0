import type { Time } from '../kernel/time.ts';
import { workerFaults } from './faults.ts';
import type { Pool } from './pool.ts';
import type { Reports } from './reports.ts';
import type { createWorkerRegistry } from './worker-registry.ts';
import { heldBy } from './worker-state.ts';

/** The last part of a drain is for jobs whose signal was aborted; at most a quarter of the time. */
const ABORT_LEAD_MS = 2_000;

export interface ShutdownNeeds {
  time: Time;
  registry: ReturnType<typeof createWorkerRegistry>;
  reports: Reports;
  pools: ReadonlyMap<string, Pool>;
}

/** The ways in which all workers come to their end. */
export function createShutdown({ time, registry, reports, pools }: ShutdownNeeds) {
  /** Resolves `allGone` when the last worker has ended; undefined while no caller waits. */
  let workerGone: (() => void) | undefined;

  /** Workers take no more jobs; jobs that have not begun come back. */
  function closeAll() {
    for (const pool of pools.values()) pool.close();
    for (const worker of registry.workers()) worker.drain();
    reports.flush();
  }

  /** Jobs that are still held end here, whatever their worker does. */
  function endAll() {
    for (const worker of [...registry.workers()]) {
      if (heldBy(worker.state()) > 0) registry.killCellOf(worker);
      worker.end(workerFaults.hostStopped(), undefined);
    }
    reports.flush();
  }

  async function allGone(withinMs: number): Promise<void> {
    if (registry.size() === 0 || withinMs <= 0) return;
    const gone = Promise.withResolvers<void>();
    const stop = time.after(withinMs, gone.resolve);
    workerGone = () => registry.size() === 0 && gone.resolve();
    await gone.promise;
    workerGone = undefined;
    stop();
  }

  return {
    closeAll,
    endAll,
    workerGone: () => workerGone?.(),
    async drain(withinMs: number) {
      closeAll();
      const lead = Math.min(ABORT_LEAD_MS, withinMs / 4);
      await allGone(withinMs - lead);
      for (const worker of registry.workers()) worker.abortAll(workerFaults.hostStopped());
      await allGone(lead);
      endAll();
    },
  };
}
