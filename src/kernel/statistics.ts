/** A value at a time in ms. */
export interface Point {
  at: number;
  value: number;
}

/**
 * How fast the points rise, per ms: the median of the slopes of all pairs (Theil–Sen). A single spike or step does not
 * move it. 0 for fewer than two points. The work grows with the square of their number.
 */
export function slopeOf(points: readonly Point[]): number {
  const all = new Float64Array((points.length * (points.length - 1)) / 2);
  let count = 0;
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) {
      const ms = points[j]!.at - points[i]!.at;
      if (ms > 0) all[count++] = (points[j]!.value - points[i]!.value) / ms;
    }
  }
  if (count === 0) return 0;
  // Numbers in a typed array are sorted without a call for each pair.
  const slopes = all.subarray(0, count).sort();
  const middle = slopes.length >> 1;
  return slopes.length % 2 === 1 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2;
}

/** Pairs of points that rise, less those that fall, as a share of all pairs: 1 always up, −1 always down, about 0 noise. */
export function steadinessOf(points: readonly Point[]): number {
  let sum = 0;
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) sum += Math.sign(points[j]!.value - points[i]!.value);
  }
  const pairs = (points.length * (points.length - 1)) / 2;
  return pairs === 0 ? 0 : sum / pairs;
}

/**
 * How much more comes of a rise that slows down, if each stretch goes on to rise by the same share of the one before: the sum of that geometric series. `from` and `to` are
 * the slopes of two stretches that lie `lagMs` apart. Infinity where it does not slow down by a tenth at least: that may be noise.
 */
export function restOfRise(from: number, to: number, lagMs: number): number {
  const share = to / from;
  return share >= 0.9 || from <= 0 ? Number.POSITIVE_INFINITY : Math.max(0, (to * lagMs * share) / (1 - share));
}

/** All values of one span of time. */
export interface Bucket {
  /** Where the span begins, in ms. */
  at: number;
  least: number;
  most: number;
}

/** The lower and the upper edge of a course of values: what garbage collection saws in between does not matter. */
interface Envelope {
  /** Times must not go back. True when a bucket was completed by it. */
  add(at: number, value: number): boolean;
  /** The completed ones, oldest first. */
  buckets(): readonly Bucket[];
}

/** Keeps the newest `most` buckets of `bucketMs` each; spans without a value leave none. */
export function createEnvelope(bucketMs: number, most: number): Envelope {
  const done: Bucket[] = [];
  let open: Bucket | undefined;
  return {
    add(at, value) {
      const begin = at - (at % bucketMs);
      if (open && begin <= open.at) {
        open.least = Math.min(open.least, value);
        open.most = Math.max(open.most, value);
        return false;
      }
      const completed = open !== undefined;
      if (open) done.push(open);
      if (done.length > most) done.shift();
      open = { at: begin, least: value, most: value };
      return completed;
    },
    buckets: () => done,
  };
}

/** The value below which the share `p` (0 … 1) of the sorted numbers lies (nearest rank); null without numbers. */
export function percentile(sorted: readonly number[], p: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))]!;
}
