import { median } from '../machine.ts';

/** What a series of samples does over time. */
export interface Trend {
  first: number;
  last: number;
  median: number;
  /** Theil and Sen: the median of the slopes between all pairs of samples, per hour. */
  perHour: number;
  /** The most per hour that counts as flat. */
  allowedPerHour: number;
  isFlat: boolean;
}

/** Of the median, per hour; below the least, growth is noise of the collector. */
const SHARE_PER_HOUR = 0.03;

/**
 * The trend of samples, each with its minute. The first quarter is the warm-up and is left out: caches fill, bars get
 * their fifty runs. Flat: the slope is at most 3 % of the median per hour, or `least` per hour.
 */
export function trendOf(samples: readonly { minute: number; value: number }[], least: number): Trend | undefined {
  const end = samples.at(-1)?.minute ?? 0;
  const settled = samples.filter(({ minute }) => minute >= end / 4);
  if (settled.length < 3) return undefined;
  const slopes = settled.flatMap((a, at) =>
    settled.slice(at + 1).map((b) => ((b.value - a.value) / (b.minute - a.minute)) * 60),
  );
  const middle = median(settled.map(({ value }) => value));
  const perHour = rounded(median(slopes));
  const allowedPerHour = rounded(Math.max(least, SHARE_PER_HOUR * middle));
  return {
    first: settled[0]!.value,
    last: settled.at(-1)!.value,
    median: middle,
    perHour,
    allowedPerHour,
    isFlat: perHour <= allowedPerHour,
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
