import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import { type Point, restOfRise, slopeOf, steadinessOf } from '../kernel/statistics.ts';
import type { Leak } from './forecast.ts';

/** The memory that an agent held between jobs, in a quarter of an hour. */
export interface MemoryEdge {
  /** Begin of the quarter, epoch ms. */
  at: number;
  /** The least that the worker held; of several workers, the one that held most. */
  bytes: number;
  /** The worker: edges of two workers are no rise. */
  worker: string;
}

export const EDGE_MS = 15 * MINUTE_MS;
/** Edges that are kept: two days, so that each hour can be compared with the same hour of yesterday. */
export const MOST_EDGES = (2 * DAY_MS) / EDGE_MS;

/** Looks back while there is no yesterday: a rise of a working day is shorter. */
const FIRST_DAY_HOURS = [10];
/** Looks back from the second day on, the longest first: a slow leak needs the longest. */
const HOURS = [12, 6];
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
/** Memory that rises beyond yesterday's by less than this share of the limit is a rhythm of days. */
const BEYOND_SHARE = 0.05;

/**
 * A leak that is too slow for the forecast of healing/forecast.ts, by the edges of two days, oldest first; null: none. The numbers of the terms were chosen by
 * replays of recorded courses (bench/leak-replays.ts), which also print how often each look is wrong.
 */
export function slowLeakOf(edges: readonly MemoryEdge[], limitBytes: number): Leak | null {
  const last = edges.at(-1);
  if (!last || limitBytes <= 0) return null;
  const before = yesterdayOf(edges, last.at);
  if (before !== null && last.bytes <= before + BEYOND_SHARE * limitBytes) return null;
  const life = lifeOf(edges);
  for (const hours of before === null ? FIRST_DAY_HOURS : HOURS) {
    const leak = leakWithin(life, hours * HOUR_MS, limitBytes);
    if (leak) return leak;
  }
  return null;
}

/** Whether the agent held as much at this hour of yesterday: a rise to there repeats a day, whatever its slope. */
export function isDaily(edges: readonly MemoryEdge[], at: number, bytes: number, limitBytes: number): boolean {
  const before = yesterdayOf(edges, at);
  return before !== null && bytes <= before + BEYOND_SHARE * limitBytes;
}

/** The most that was held within an hour around this time of yesterday; null where nothing is known of it. */
function yesterdayOf(edges: readonly MemoryEdge[], at: number): number | null {
  const near = edges.filter((edge) => Math.abs(edge.at - (at - DAY_MS)) <= HOUR_MS);
  return near.length === 0 ? null : Math.max(...near.map(({ bytes }) => bytes));
}

/** The edges of the newest worker. */
function lifeOf(edges: readonly MemoryEdge[]): readonly MemoryEdge[] {
  const { worker } = edges.at(-1)!;
  const first = edges.findLastIndex((edge) => edge.worker !== worker);
  return edges.slice(first + 1);
}

function leakWithin(life: readonly MemoryEdge[], spanMs: number, limitBytes: number): Leak | null {
  const { at: now, bytes: usedBytes } = life.at(-1)!;
  const points: Point[] = life.filter(({ at }) => at > now - spanMs).map(({ at, bytes }) => ({ at, value: bytes }));
  const spanned = now - life[0]!.at + EDGE_MS;
  if (spanned < spanMs || points.length < (LEAST_SHARE * spanMs) / EDGE_MS) return null;
  const slope = slopeOf(points);
  if (slope * spanMs < LEAST_RISE_SHARE * limitBytes || steadinessOf(points) < LEAST_STEADINESS) return null;
  const thirds = thirdsOf(points, now - spanMs, spanMs).map(slopeOf);
  if (!thirds.every((third) => isLike(third, slope))) return null;
  if (usedBytes + restOfRise(thirds[0]!, thirds[2]!, (2 * spanMs) / 3) < limitBytes) return null;
  const leftMs = Math.max(0, (limitBytes - usedBytes) / slope);
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
