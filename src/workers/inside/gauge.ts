import type { EventLoopUtilization } from 'node:perf_hooks';
import type { Worker } from 'node:worker_threads';
import type { Reading } from '../wire.ts';

/** A thread that has not answered for so long is in native code. */
const ANSWERS_WITHIN_MS = 2_000;

/** Measures one worker from outside, also while it spins. A thread in native code does not answer; nothing piles up then. */
export interface Gauge {
  /** Asks for its memory; the answer comes later. */
  measure(): void;
  /** What is known now; CPU time and loop are those since the last call. */
  read(): Pick<Reading, 'heapBytes' | 'externalBytes' | 'cpu' | 'loop' | 'answers'>;
}

/** `measured` is called with heap and external memory in bytes. `clock` in ms. */
export function createGauge(worker: Worker, clock: () => number, measured: (bytes: number) => void): Gauge {
  let askedAt: number | undefined;
  let heapBytes: number | null = null;
  let externalBytes: number | null = null;
  let cpu: number | null = null;
  let cpuBefore: { at: number; spent: number } | undefined;
  let asksCpu = false;
  let loopBefore: EventLoopUtilization | undefined;

  function measure() {
    if (askedAt !== undefined) return;
    askedAt = clock();
    worker.getHeapStatistics().then(
      (heap) => {
        askedAt = undefined;
        heapBytes = heap.used_heap_size;
        externalBytes = heap.external_memory;
        measured(heapBytes + externalBytes);
      },
      () => {
        // It is ending.
        askedAt = undefined;
      },
    );
  }

  function measureCpu() {
    if (asksCpu) return;
    asksCpu = true;
    worker.cpuUsage().then(
      ({ user, system }) => {
        asksCpu = false;
        const now = { at: clock(), spent: (user + system) / 1_000 };
        if (cpuBefore && now.at > cpuBefore.at) {
          cpu = Math.min(1, Math.max(0, (now.spent - cpuBefore.spent) / (now.at - cpuBefore.at)));
        }
        cpuBefore = now;
      },
      () => {
        asksCpu = false;
      },
    );
  }

  return {
    measure,
    read() {
      const answers = askedAt === undefined || clock() - askedAt < ANSWERS_WITHIN_MS;
      measureCpu();
      const now = worker.performance.eventLoopUtilization();
      const { utilization } = loopBefore ? worker.performance.eventLoopUtilization(now, loopBefore) : now;
      loopBefore = now;
      return { heapBytes, externalBytes, cpu: answers ? cpu : null, loop: utilization, answers };
    },
  };
}
