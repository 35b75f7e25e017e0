import type { Worker } from 'node:worker_threads';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import { workerFaults } from '../faults.ts';
import { createHeapWatch, type HeapWatch, NEAR_LIMIT } from './heap-watch.ts';
import { createMemoryProbe, type MemoryProbe } from './memory-probe.ts';
import type { FindPlace } from './profiles.ts';
import type { SuspectFacts } from './suspect.ts';

/** Near its limit a worker is measured so often. */
const NEAR_EVERY_MS = 100;

interface MemoryGuardNeeds {
  time: Time;
  /** The shared clock. */
  clock(): number;
  find: FindPlace;
  /** Whether the thread is loaded and has not begun to end. */
  isUp(): boolean;
  isRunning(): boolean;
  kill(why: PlainFault): void;
}

/** Measures one worker, and kills it above its limit. */
interface MemoryGuard {
  readonly probe: MemoryProbe;
  readonly heap: HeapWatch;
  measure(): void;
  /** Bytes by the last answer of the worker, and for how long it has given no answer. */
  held(): Omit<SuspectFacts, 'worker'>;
  stop(): void;
}

export function createMemoryGuard(worker: Worker, limitBytes: number, needs: MemoryGuardNeeds): MemoryGuard {
  let stopNear: (() => void) | undefined;
  const probe = createMemoryProbe(worker, limitBytes, needs.clock, measured);
  const heap = createHeapWatch(worker, limitBytes, needs);

  function measured(bytes: number, childrenBytes: number) {
    if (!needs.isUp()) return;
    if (bytes > limitBytes) return needs.kill(workerFaults.overLimit(bytes, limitBytes, childrenBytes));
    heap.look(bytes);
    if (bytes > NEAR_LIMIT * limitBytes && needs.isRunning()) {
      stopNear?.();
      stopNear = needs.time.after(NEAR_EVERY_MS, probe.measure);
    }
  }

  return {
    probe,
    heap,
    measure() {
      if (needs.isUp()) probe.measure();
    },
    held() {
      const { heapBytes = 0, externalBytes = 0 } = probe.memory() ?? {};
      const unansweredMs = needs.isUp() ? probe.unansweredMs() : 0;
      return { heldBytes: heapBytes + externalBytes, limitBytes, unansweredMs };
    },
    stop: () => stopNear?.(),
  };
}
