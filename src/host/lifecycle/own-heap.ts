import { collectLargeHeap } from '../../fence/collect-heap.ts';
import { openTrim } from '../../fence/kernel.ts';
import { createIdleMemory } from '../../kernel/idle-memory.ts';
import { createLoop, type Loop } from '../../kernel/loop.ts';
import { MB } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';

const LOOK_EVERY_MS = 1_000;
/** So long after the last end of a job a host is idle. */
const IDLE_MS = 1_000;
/** A collection of so much takes some 60 ms, by which a job that becomes due meanwhile waits longer. */
const MOST_BYTES = 48 * MB;

interface OwnHeapNeeds {
  time: Time;
  failed(error: unknown): void;
  /** Bytes that the heap holds, garbage included. */
  heldBytes(): number;
  /** Calls `used` at each end of an attempt. */
  onSettled(used: () => void): void;
}

/**
 * Collects the heap of a host that has become idle, first after its start, then five minutes later at the earliest, and gives
 * freed memory back: a start leaves 17 MB of garbage, of compiled code that does not run again and of room for young
 * objects, and V8 leaves it there until the heap grows.
 */
export function createOwnHeap({ time, failed, heldBytes, onSettled }: OwnHeapNeeds): Loop {
  const trim = openTrim();
  const memory = createIdleMemory({
    clock: time.monotonic,
    idleMs: IDLE_MS,
    isRunning: () => false,
    heldBytes,
    mostBytes: MOST_BYTES,
    collect() {
      collectLargeHeap();
      trim?.();
    },
  });
  onSettled(memory.used);
  memory.used();
  return createLoop({ time, failed }, { everyMs: LOOK_EVERY_MS, firstMs: LOOK_EVERY_MS, turn: memory.look });
}
