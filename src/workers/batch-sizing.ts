/** Attempts of a worker's agent that are looked at. */
const REMEMBERED = 32;
const ENOUGH = 3;
/** Jobs are handed over ahead when the median of the latest takes no longer than this. */
const SHORT_MS = 2;
/** Jobs that are handed over ahead should be done within this time. */
const PREFETCH_MS = 5;
/** Never more than a worker has tickets for. */
const MOST_PREFETCHED = 256;

/** How long an agent's jobs take, and how many of them a worker should therefore hold at a time. */
export interface BatchSizing {
  add(durationMs: number): void;
  /** 1 for jobs of unknown or noticeable length. */
  prefetch(): number;
}

export function createBatchSizing(): BatchSizing {
  /** Made with the first job: most of five thousand agents have had none. */
  let durations: Float64Array | undefined;
  let count = 0;
  let fresh = 0;
  let prefetch = 1;

  return {
    add(durationMs) {
      durations ??= new Float64Array(REMEMBERED);
      durations[count++ % REMEMBERED] = durationMs;
      // Sorting is not worth doing for each job.
      if (++fresh < Math.min(count, REMEMBERED / 2) && count > ENOUGH) return;
      fresh = 0;
      prefetch = prefetchFor(durations.subarray(0, Math.min(count, REMEMBERED)));
    },
    prefetch: () => prefetch,
  };
}

/** The number of jobs that a worker should hold, from the durations (ms) of the latest ones. */
export function prefetchFor(durations: ArrayLike<number>): number {
  if (durations.length < ENOUGH) return 1;
  const sorted = Float64Array.from(durations).sort();
  const median = sorted[sorted.length >> 1]!;
  if (median > SHORT_MS) return 1;
  return Math.min(MOST_PREFETCHED, Math.max(1, Math.floor(PREFETCH_MS / Math.max(median, 0.001))));
}
