import { MB } from '../../kernel/measures.ts';

/** A worker as its cell sees it. */
export interface SuspectFacts {
  worker: number;
  /** Heap and external memory when it last answered; 0 before it ever did. */
  heldBytes: number;
  limitBytes: number;
  /** For how long the thread has given no answer. */
  unansweredMs: number;
}

/** The cell when all its workers last answered. */
export interface MemoryBaseline {
  rssBytes: number;
  held: ReadonlyMap<number, number>;
}

/** A worker that gives no answer for so long may be held to account for what the process grows by. */
const UNANSWERED_MS = 1_000;
/** Memory that the process may grow by for other reasons: new threads, buffers of its own. */
const SLACK_BYTES = 32 * MB;

/**
 * Some allocating loops keep V8 from answering, or from being ended, until their heap is full (measured on 26.10: `for
 * (;;) kept.push(new Array(1000).fill(0))`). Then the memory of the process shows it: the growth since all workers
 * answered, less the growth that the other workers report, belongs to the silent worker. With two silent workers
 * neither is named. Returns that worker and what it must hold, once that is above its limit.
 */
export function suspectOf(
  workers: readonly SuspectFacts[],
  rssBytes: number,
  baseline: MemoryBaseline | undefined,
): { worker: number; bytes: number } | undefined {
  const silent = workers.filter(({ unansweredMs }) => unansweredMs >= UNANSWERED_MS);
  const [one] = silent;
  if (!baseline || !one || silent.length > 1) return undefined;
  let grown = rssBytes - baseline.rssBytes;
  for (const { worker, heldBytes } of workers) {
    if (worker !== one.worker) grown -= Math.max(0, heldBytes - (baseline.held.get(worker) ?? 0));
  }
  const bytes = (baseline.held.get(one.worker) ?? 0) + grown;
  return bytes > one.limitBytes + SLACK_BYTES ? { worker: one.worker, bytes } : undefined;
}

/** The baseline of this moment; the former one while a worker is silent. */
export function baselineNow(
  workers: readonly SuspectFacts[],
  rssBytes: number,
  before: MemoryBaseline | undefined,
): MemoryBaseline | undefined {
  if (workers.some(({ unansweredMs }) => unansweredMs >= UNANSWERED_MS / 2)) return before;
  return { rssBytes, held: new Map(workers.map(({ worker, heldBytes }) => [worker, heldBytes])) };
}
