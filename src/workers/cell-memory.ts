import { MB, MINUTE_MS } from '../kernel/measures.ts';
import { type Bucket, createEnvelope, slopeOf, steadinessOf } from '../kernel/statistics.ts';
import { formatSize } from '../kernel/units.ts';
import type { JobEnd } from './wire.ts';

/** A cell without workers, and what each worker takes beside its heap. */
const CELL_BYTES = 48 * MB;
const WORKER_BYTES = 8 * MB;

/** The long look: three hours in steps of two minutes. */
const SLOW = { bucketMs: 2 * MINUTE_MS, most: 90, least: 15, steadiness: 0.7, riseBytes: 64 * MB };
/** The short look, for memory that is gone in minutes: ten minutes in steps of ten seconds. */
const FAST = { bucketMs: 10_000, most: 60, least: 5, steadiness: 0.9, riseBytes: 256 * MB };
/** With so much of it there is no time for a course: its jobs fail and are tried again. */
const TOO_MUCH_BYTES = 2 * 1024 * MB;
/** From this share of the open files that a process may have on, new workers and files fail in it. */
const FILES_SHARE = 0.5;

/** Readings of a cell at one moment. Memory in bytes. */
export interface CellSample {
  /** Monotonic ms. */
  at: number;
  rssBytes: number;
  workers: number;
  /** Heap and external memory of all its workers. */
  accountedBytes: number;
  /** Open file descriptors; null where the system does not say. */
  fds: number | null;
  /** How many files the cell may have. */
  mostFds: number;
}

export type CellVerdict =
  | { is: 'fine' }
  /** New workers go to another cell; it goes when its own have ended. */
  | { is: 'recycle'; why: string }
  /** The cell is replaced now. */
  | { is: 'kill'; why: string };

/** Resident memory that belongs to no worker's account: WebAssembly, compression, native code, shared buffers; never below 0. */
export function unaccountedOf({ rssBytes, workers, accountedBytes }: CellSample): number {
  return Math.max(0, rssBytes - CELL_BYTES - workers * WORKER_BYTES - accountedBytes);
}

/** The memory of one cell over time. */
export interface CellHistory {
  add(look: CellSample): CellVerdict;
}

/**
 * Judges a cell by memory that no worker accounts for. The lower edge of the readings counts: memory that V8 or the
 * allocator keeps in stock goes up and down, and the memory of ended workers is used again.
 */
export function createCellHistory(): CellHistory {
  const slow = createEnvelope(SLOW.bucketMs, SLOW.most);
  const fast = createEnvelope(FAST.bucketMs, FAST.most);
  return {
    add(look) {
      const bytes = unaccountedOf(look);
      if (bytes > TOO_MUCH_BYTES) return { is: 'kill', why: `${formatSize(bytes)} that no worker accounts for` };
      if (look.fds !== null && look.fds > FILES_SHARE * look.mostFds) {
        return { is: 'recycle', why: `${look.fds} of ${look.mostFds} file descriptors are open` };
      }
      const fastDone = fast.add(look.at, bytes);
      const slowDone = slow.add(look.at, bytes);
      const rise = (slowDone && growthOf(slow.buckets(), SLOW)) || (fastDone && growthOf(fast.buckets(), FAST));
      if (!rise) return { is: 'fine' };
      const words = `memory that no worker accounts for climbs: ${formatSize(Math.round(bytes))}, ${formatSize(Math.round(rise * MINUTE_MS))} more a minute`;
      return { is: 'recycle', why: words };
    },
  };
}

/** The verdict on a cell in which an attempt failed: files are the whole process's, so its other workers run out of them too. */
export function verdictOn(agent: string, end: JobEnd): CellVerdict {
  if (end.is !== 'failed' || end.fault.code !== 'EMFILE') return { is: 'fine' };
  return { is: 'recycle', why: `a job of ${agent} found no file descriptor left` };
}

/** Bytes per ms that the lower edge climbs; undefined for anything but a steady climb. */
function growthOf(
  buckets: readonly Bucket[],
  terms: { least: number; steadiness: number; riseBytes: number },
): number | undefined {
  if (buckets.length < terms.least) return undefined;
  const half = buckets.length >> 1;
  const newest = Math.min(...buckets.slice(-Math.max(2, buckets.length >> 2)).map(({ least }) => least));
  if (buckets.slice(0, half).some(({ least }) => least >= newest)) return undefined;
  const edge = buckets.map(({ at, least }) => ({ at, value: least }));
  if (newest - edge[0]!.value < terms.riseBytes || steadinessOf(edge) < terms.steadiness) return undefined;
  const slope = slopeOf(edge);
  // A step to another load ends; a leak goes on.
  return slopeOf(edge.slice(half)) >= slope / 2 ? slope : undefined;
}
