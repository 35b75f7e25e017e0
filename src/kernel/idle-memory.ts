import { MB } from './measures.ts';

/** A heap is collected again after so long: an agent with a job every few seconds does not collect after each. */
const AGAIN_MS = 300_000;
const MOST_BYTES = 32 * MB;

interface IdleMemoryNeeds {
  /** Milliseconds that only grow. */
  clock(): number;
  /** So long after its last use a heap is idle. */
  idleMs: number;
  isRunning(): boolean;
  heldBytes(): number;
  /** A larger heap is left to V8, which collects it piece by piece: in one go it would hold up the next job. Default 32 MB. */
  mostBytes?: number;
  collect(): void;
}

/** Decides when the memory of a heap that has become idle is collected. */
interface IdleMemory {
  /** The heap is used, and has something to give back later. */
  used(): void;
  /** Collects the heap if the time has come. */
  look(): void;
}

export function createIdleMemory(needs: IdleMemoryNeeds): IdleMemory {
  const { clock, idleMs, isRunning, heldBytes, mostBytes = MOST_BYTES, collect } = needs;
  let usedAt = 0;
  let collectedAt = Number.NEGATIVE_INFINITY;
  let isDue = false;

  return {
    used() {
      usedAt = clock();
      isDue = true;
    },
    look() {
      const now = clock();
      if (isRunning()) usedAt = now;
      if (!isDue || now - usedAt < idleMs || now - collectedAt < AGAIN_MS || heldBytes() > mostBytes) return;
      isDue = false;
      collectedAt = now;
      collect();
    },
  };
}
