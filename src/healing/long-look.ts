import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import { type Point, restOfRise, slopeOf, steadinessOf } from '../kernel/statistics.ts';
import { isImminent, type Leak } from './forecast.ts';

/** The lower edge of a quantity in a quarter of an hour: of memory, what a worker held between jobs. */
export interface Edge {
  /** Begin of the quarter, epoch ms. */
  at: number;
  /** The least of the quarter; of several series, the one that is fullest. */
  value: number;
  /** The worker: edges of two workers are no rise. */
  series: string;
}

export const EDGE_MS = 15 * MINUTE_MS;
/** Edges that are kept: two days, so that each hour can be compared with the same hour of yesterday. */
export const MOST_EDGES = (2 * DAY_MS) / EDGE_MS;

/** Looks back while there is no yesterday: a rise of a working day is shorter. */
const FIRST_DAY_HOURS = [10];
/** Looks back from the second day on, the longest first: a slow leak needs the longest. */
const HOURS = [12, 8, 6];
/** A rise that did not begin with its series is seen by these looks alone: an import of six hours is none of them. */
const LATE_LEAST_HOURS = 8;
/** The share of a look's edges that has to be there: an agent that is always busy has few moments between jobs. */
const LEAST_SHARE = 0.6;
const LEAST_STEADINESS = 0.8;
/** A rise below this share of the limit is not worth a word. */
const LEAST_RISE_SHARE = 0.03;
/** Each third rises like the whole: a cache that fills slows down, a day's sine is steepest in its middle. */
const THIRD_LEAST = 0.75;
const THIRD_MOST = 1.25;
/** A limit that is farther away is no matter of now. */
const HORIZON_MS = 48 * HOUR_MS;
/** A rise beyond yesterday's height by less than this share of the limit is a rhythm of days. */
const BEYOND_SHARE = 0.05;
/** A rise that did not begin with its series is told by the short look when the limit is nearer than this. */
const LATE_HORIZON_MS = 3 * HOUR_MS;
/** So much of its life a series has risen at the slope of now, or its rise began later. */
const SINCE_BIRTH_SHARE = 0.8;
/** Edges of an hour: the least of them lies between the teeth of garbage collection. */
const HOUR_EDGES = HOUR_MS / EDGE_MS;

/**
 * What is to be told of a quantity, by the forecast of hours (healing/forecast.ts) where that has found a rise, and by the edges of two days, oldest first; null: nothing.
 *
 * A rise that has begun with the life of its series is a leak: code leaks from its first job on. A rise that begins in the middle of a life may be the rhythm of a day
 * or a week. Nothing is told of it on the first day, of which no yesterday is known, unless the limit is near; on later days it has to go beyond what was held at
 * the same hour of yesterday. The numbers were chosen by replays of recorded courses (bench/warnings.ts), which also print how often each look is wrong.
 */
export function riseOf(
  found: Leak | null,
  edges: readonly Edge[],
  { now, limit, series, isEdgeDone }: { now: number; limit: number; series: string; isEdgeDone: boolean },
): Leak | null {
  if (found && isImminent(found, limit)) return found;
  if (!found && !isEdgeDone) return null;
  const before = yesterdayOf(edges, now);
  const life = lifeOf(edges, series);
  if (found && !repeats(found.usedBytes, before, limit)) {
    if (isSinceBirth(life, found.perMinuteBytes / MINUTE_MS)) return found;
    if (before !== null && found.leftMs <= LATE_HORIZON_MS) return found;
  }
  return isEdgeDone && life.length > 0 ? slowRiseOf(life, before, limit) : null;
}

/** A leak that is too slow for the forecast of hours. */
function slowRiseOf(life: readonly Edge[], before: number | null, limit: number): Leak | null {
  const last = life.at(-1);
  if (!last || limit <= 0 || repeats(last.value, before, limit)) return null;
  for (const hours of before === null ? FIRST_DAY_HOURS : HOURS) {
    const leak = leakWithin(life, hours * HOUR_MS, limit);
    const mayBeLate = before !== null && hours >= LATE_LEAST_HOURS;
    if (leak && (mayBeLate || isSinceBirth(life, leak.perMinuteBytes / MINUTE_MS))) return leak;
  }
  return null;
}

function repeats(value: number, before: number | null, limit: number): boolean {
  return before !== null && value <= before + BEYOND_SHARE * limit;
}

/** The most that was held within an hour around this time of yesterday; null where nothing is known of it. */
function yesterdayOf(edges: readonly Edge[], at: number): number | null {
  const near = edges.filter((edge) => Math.abs(edge.at - (at - DAY_MS)) <= HOUR_MS);
  return near.length === 0 ? null : Math.max(...near.map(({ value }) => value));
}

/** The newest edges of the series; none while another is fuller. */
function lifeOf(edges: readonly Edge[], series: string): readonly Edge[] {
  const first = edges.findLastIndex((edge) => edge.series !== series);
  return edges.slice(first + 1);
}

/** Whether the series has risen at that slope (per ms) for nearly all of its life. True of a life of less than two hours. */
function isSinceBirth(life: readonly Edge[], slope: number): boolean {
  if (life.length < 2 * HOUR_EDGES) return true;
  const least = (edges: readonly Edge[]) => Math.min(...edges.map(({ value }) => value));
  const [first, last] = [life.slice(0, HOUR_EDGES), life.slice(-HOUR_EDGES)];
  return least(last) - least(first) >= SINCE_BIRTH_SHARE * slope * (last[0]!.at - first[0]!.at);
}

function leakWithin(life: readonly Edge[], spanMs: number, limit: number): Leak | null {
  const { at: now, value: usedBytes } = life.at(-1)!;
  const points: Point[] = life.filter(({ at }) => at > now - spanMs);
  const spanned = now - life[0]!.at + EDGE_MS;
  if (spanned < spanMs || points.length < (LEAST_SHARE * spanMs) / EDGE_MS) return null;
  const slope = slopeOf(points);
  if (slope * spanMs < LEAST_RISE_SHARE * limit || steadinessOf(points) < LEAST_STEADINESS) return null;
  const thirds = thirdsOf(points, now - spanMs, spanMs).map(slopeOf);
  if (!thirds.every((third) => isLike(third, slope))) return null;
  if (usedBytes + restOfRise(thirds[0]!, thirds[2]!, (2 * spanMs) / 3) < limit) return null;
  const leftMs = Math.max(0, (limit - usedBytes) / slope);
  return leftMs > HORIZON_MS ? null : { perMinuteBytes: slope * MINUTE_MS, leftMs, usedBytes, due: false };
}

function thirdsOf(points: readonly Point[], from: number, spanMs: number): Point[][] {
  return [0, 1, 2].map((third) =>
    points.filter(({ at }) => at > from + (third * spanMs) / 3 && at <= from + ((third + 1) * spanMs) / 3),
  );
}

function isLike(slope: number, whole: number): boolean {
  return slope >= THIRD_LEAST * whole && slope <= THIRD_MOST * whole;
}
