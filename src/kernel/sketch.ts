/**
 * Lengths of time by buckets whose edges grow by the same factor, as in DDSketch (Masson, Rim and Lee, VLDB 2019): of any number of
 * values, every quantile is within {@link SKETCH_ERROR} of the true one, and sketches of parts add up to that of the whole. Bucket 0
 * holds lengths below 1 ms; the counts of buckets are above 0.
 */
export type Sketch = Map<number, number>;

/** The most by which a quantile differs from the true value, as a share of that. */
export const SKETCH_ERROR = 0.02;

const GAMMA = (1 + SKETCH_ERROR) / (1 - SKETCH_ERROR);
const PER_LOG = 1 / Math.log(GAMMA);

/** Counts a length in ms. */
export function addToSketch(sketch: Sketch, ms: number): void {
  const bucket = ms < 1 ? 0 : 1 + Math.ceil(Math.log(ms) * PER_LOG - 1e-9);
  sketch.set(bucket, (sketch.get(bucket) ?? 0) + 1);
}

/** Adds all that `other` counted. */
export function mergeSketch(sketch: Sketch, other: Sketch): void {
  for (const [bucket, count] of other) sketch.set(bucket, (sketch.get(bucket) ?? 0) + count);
}

/** How many lengths were counted. */
export function sketchCount(sketch: Sketch): number {
  let sum = 0;
  for (const count of sketch.values()) sum += count;
  return sum;
}

/** The length in ms below which the share `p` (0 … 1) of those counted lies (nearest rank); null when there are none. */
export function sketchQuantile(sketch: Sketch, p: number): number | null {
  const rank = Math.max(1, Math.ceil(p * sketchCount(sketch)));
  let below = 0;
  for (const bucket of [...sketch.keys()].sort((a, b) => a - b)) {
    below += sketch.get(bucket)!;
    if (below >= rank) return middleOf(bucket);
  }
  return null;
}

/** How many of the lengths counted are `ms` or less, to the edge of a bucket. */
export function sketchCountUpTo(sketch: Sketch, ms: number): number {
  let sum = 0;
  for (const [bucket, count] of sketch) if (middleOf(bucket) <= ms) sum += count;
  return sum;
}

/** About the sum of the lengths counted, in ms. */
export function sketchSum(sketch: Sketch): number {
  let sum = 0;
  for (const [bucket, count] of sketch) sum += middleOf(bucket) * count;
  return sum;
}

/** The sketch as JSON: bucket, count, bucket, count, … */
export function sketchText(sketch: Sketch): string {
  return JSON.stringify([...sketch].sort(([a], [b]) => a - b).flat());
}

/** The sketch of such a text; undefined for any other text. */
export function sketchOf(text: string): Sketch | undefined {
  const flat = parsed(text);
  if (!Array.isArray(flat) || flat.length % 2 !== 0 || !flat.every(Number.isSafeInteger)) return undefined;
  const sketch: Sketch = new Map();
  for (let at = 0; at < flat.length; at += 2) sketch.set(flat[at], flat[at + 1]);
  return sketch;
}

/** The middle of the bucket, by ratio: no length in it is further away than the error. */
function middleOf(bucket: number): number {
  return bucket === 0 ? 0 : (2 * GAMMA ** (bucket - 1)) / (GAMMA + 1);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
