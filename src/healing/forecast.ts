import { MINUTE_MS } from '../kernel/measures.ts';
import { type Bucket, createEnvelope, restOfRise, slopeOf, steadinessOf } from '../kernel/statistics.ts';

/** Memory that goes on growing after garbage collection. */
export interface Leak {
  perMinuteBytes: number;
  /** Time until the limit is reached, in ms. */
  leftMs: number;
  /** Bytes that the worker holds at the peaks now. */
  usedBytes: number;
  /** Little time or room is left: the worker has to go. */
  due: boolean;
}

/** A leak is reported when the limit is nearer than this, … */
const HORIZON_MS = 4 * 60 * MINUTE_MS;
/** … and not farther than so many times the span that was seen: a worker that warms up looks like a leak in its first half hour. */
const FARTHEST = 3;
/** The worker goes when the limit is nearer than this, or when so much of it is used. */
const DUE_MS = 15 * MINUTE_MS;
const DUE_SHARE = 0.75;
/** Of memory that is as high at this hour of each day, so much may be used before its worker has to go. */
const IMMINENT_SHARE = 0.9;
/** A worker is watched for this long before a forecast is made, … */
const LEAST_SPAN_MS = 20 * MINUTE_MS;
/** … or so long while nothing of it was ever collected: a heap that grows until the first collection is no leak. */
const UNCOLLECTED_SPAN_MS = 36 * MINUTE_MS;
const LEAST_STEADINESS = 0.7;
const LEAST_RISE_SHARE = 0.05;
/** A leak that is too fast for the long look: nearly at the limit, minutes left. */
const SUDDEN_SHARE = 0.85;
const SUDDEN_MS = 10 * MINUTE_MS;
const SUDDEN_STEADINESS = 0.9;
const SUDDEN_BUCKETS = 6;

const SLOW = { bucketMs: 2 * MINUTE_MS, most: 90 };
const FAST = { bucketMs: 10_000, most: 30 };

/** The memory of one worker over time: three hours in steps of two minutes, and five minutes in steps of ten seconds. */
export interface MemoryHistory {
  /** Takes a reading, `at` in monotonic ms. The answer is looked for when a step is complete, and is null otherwise. */
  add(at: number, bytes: number, limitBytes: number): Leak | null;
}

/** `lookBackMs`: at most three hours. */
export function createMemoryHistory(lookBackMs = SLOW.most * SLOW.bucketMs): MemoryHistory {
  const slow = createEnvelope(SLOW.bucketMs, Math.ceil(lookBackMs / SLOW.bucketMs));
  const fast = createEnvelope(FAST.bucketMs, FAST.most);
  return {
    add(at, bytes, limitBytes) {
      const fastDone = fast.add(at, bytes);
      const slowDone = slow.add(at, bytes);
      const leak = slowDone ? leakOf(slow.buckets(), limitBytes) : null;
      return leak ?? (fastDone ? suddenLeakOf(fast.buckets(), slow.buckets(), limitBytes) : null);
    },
  };
}

/**
 * Judges the long look. A worker leaks when what collection leaves (the lower edge) has risen above every peak of the first
 * half, steadily, and goes on rising in the second half as before. In this way neither the teeth of garbage collection, nor a
 * step to another load, nor noise count as a leak.
 */
function leakOf(buckets: readonly Bucket[], limitBytes: number): Leak | null {
  const last = buckets.at(-1);
  if (!last || buckets.length < 8) return null;
  const spanMs = last.at - buckets[0]!.at;
  if (spanMs < (wasCollected(buckets, limitBytes) ? LEAST_SPAN_MS : UNCOLLECTED_SPAN_MS)) return null;
  const half = buckets.length >> 1;
  const newest = buckets.slice(-Math.max(2, buckets.length >> 2));
  const low = Math.min(...newest.map(({ least }) => least));
  for (let i = 0; i < half; i++) if (buckets[i]!.most >= low) return null;
  const edge = buckets.map(({ at, least }) => ({ at, value: least }));
  if (steadinessOf(edge) < LEAST_STEADINESS) return null;
  const slope = slopeOf(edge);
  const later = slopeOf(edge.slice(half));
  if (slope * spanMs < LEAST_RISE_SHARE * limitBytes || later < slope / 2) return null;
  const leak = leakAt(slope, Math.max(...newest.map(({ most }) => most)), limitBytes);
  if (leak.usedBytes + restOfRise(slopeOf(edge.slice(0, half)), later, spanMs / 2) < limitBytes) return null;
  return leak.leftMs <= Math.min(HORIZON_MS, FARTHEST * spanMs) ? leak : null;
}

/** Judges the short look: close to the limit, above every earlier peak, and straight up. */
function suddenLeakOf(fast: readonly Bucket[], slow: readonly Bucket[], limitBytes: number): Leak | null {
  const last = fast.at(-1);
  if (!last || last.least < SUDDEN_SHARE * limitBytes || fast.length < SUDDEN_BUCKETS) return null;
  const begin = fast[0]!.at - SLOW.bucketMs;
  if (slow.some(({ at, most }) => at < begin && most >= last.least)) return null;
  const edge = fast.map(({ at, least }) => ({ at, value: least }));
  if (steadinessOf(edge) < SUDDEN_STEADINESS) return null;
  const leak = leakAt(slopeOf(edge), last.most, limitBytes);
  return leak.leftMs <= SUDDEN_MS ? leak : null;
}

function leakAt(perMs: number, usedBytes: number, limitBytes: number): Leak {
  const leftMs = perMs > 0 ? Math.max(0, (limitBytes - usedBytes) / perMs) : Number.POSITIVE_INFINITY;
  return {
    perMinuteBytes: perMs * MINUTE_MS,
    leftMs,
    usedBytes,
    due: leftMs <= DUE_MS || usedBytes >= DUE_SHARE * limitBytes,
  };
}

/** True: the limit is near whatever yesterday was like. */
export function isImminent({ leftMs, usedBytes }: Leak, limitBytes: number): boolean {
  return leftMs <= DUE_MS || usedBytes >= IMMINENT_SHARE * limitBytes;
}

function wasCollected(buckets: readonly Bucket[], limitBytes: number): boolean {
  const drop = limitBytes / 100;
  return buckets.some(({ least }, i) => i > 0 && buckets[i - 1]!.most - least > drop && buckets[i - 1]!.least > least);
}
