import { type Measures, OWN_SERIES } from '../kernel/own-series.ts';
import type { Time } from '../kernel/time.ts';

/** Twice what an honest worker writes: it keeps to 1,000 lines a second, and 5,000 at once. */
const LINES = { what: 'log lines', perSecond: 2_000, atOnce: 20_000 };
/** Some times what an honest worker sends: it sends each of its series once a second, and once more at its end. */
const SERIES = { what: 'series', perSecond: 4 * OWN_SERIES.series, atOnce: 20 * OWN_SERIES.series };

/** Takes sums and lines of a worker. Throws for more of them than a worker may send. */
export function createWorkerIntake(time: Time, measured: (measures: Measures) => void) {
  const series = createRate(time, SERIES);
  return {
    lines: createRate(time, LINES).spend,
    measures(measures: Measures) {
      series.spend(1 + measures.series.length);
      measured(measures);
    },
  };
}

/** Throws for more than a worker may send. */
function createRate(time: Time, { what, perSecond, atOnce }: typeof LINES): { spend(count: number): void } {
  let left = atOnce;
  let filledAt = time.monotonic();
  return {
    spend(count) {
      const now = time.monotonic();
      left = Math.min(atOnce, left + ((now - filledAt) * perSecond) / 1_000) - count;
      filledAt = now;
      if (left < 0) throw new Error(`more than ${perSecond} ${what} a second`);
    },
  };
}
