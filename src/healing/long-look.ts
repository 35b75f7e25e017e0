import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import { type Point, restOfRise, slopeOf, steadinessOf } from '../kernel/statistics.ts';
import { isImminent, type Leak } from './forecast.ts';

/** The looks back of a quantity, and how even a rise has to be. */
interface LookTerms {
  /** From edge to edge. */
  stepMs: number;
  /** While there is no yesterday: a rise of a working day is shorter. */
  firstDayHours: readonly number[];
  /** From the second day on, the longest first: a slow leak needs the longest. */
  hours: readonly number[];
  leastSteadiness: number;
  /** Each third rises like the whole: a cache that fills slows down, a day's sine is steepest in its middle. */
  thirds: { least: number; most: number };
  /** A rise beyond yesterday's height by less than this share of the limit is a rhythm of days. */
  beyondShare: number;
  /** So far from the same time of yesterday its height is looked for. */
  besideMs: number;
}

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

/** Of lower edges of quarters of an hour. */
export const QUARTER_TERMS: LookTerms = {
  ...{
    stepMs: EDGE_MS,
    firstDayHours: [10],
    hours: [12, 8, 6],
    leastSteadiness: 0.8,
    beyondShare: 0.05,
    besideMs: HOUR_MS,
  },
  thirds: { least: 0.75, most: 1.25 },
};
/** Of a count of few things, such as connections of a pool: a staircase. */
export const STAIR_TERMS: LookTerms = { ...QUARTER_TERMS, thirds: { least: 0.6, most: 1.6 }, beyondShare: 0.15 };
/** Of what is spent of a day's budget, which only rises: it grows from day to day by less than it rises within an hour. */
export const SPEND_TERMS: LookTerms = { ...QUARTER_TERMS, beyondShare: 0.1, besideMs: HOUR_MS / 2 };
/** Of figures of whole hours, such as quantiles of few runs: a day of them, for they are noisy. */
export const HOUR_TERMS: LookTerms = {
  ...{ stepMs: HOUR_MS, firstDayHours: [24], hours: [24], leastSteadiness: 0.7, beyondShare: 0.05, besideMs: HOUR_MS },
  thirds: { least: 0.3, most: 2 },
};
/** A rise that did not begin with its series is seen by these looks alone: an import of six hours is none of them. */
const LATE_LEAST_HOURS = 8;
/** The share of a look's edges that has to be there: an agent that is always busy has few moments between jobs. */
const LEAST_SHARE = 0.6;
/** A rise below this share of the limit is not worth a word. */
const LEAST_RISE_SHARE = 0.03;
/** A limit that is farther away is no matter of now. */
const HORIZON_MS = 48 * HOUR_MS;
/** A rise that did not begin with its series is told by the short look when the limit is nearer than this. */
const LATE_HORIZON_MS = 3 * HOUR_MS;
/** So much of its life a series has risen at the slope of now, or its rise began later. */
const SINCE_BIRTH_SHARE = 0.8;
/** From this share of a limit on, a level is worth a word. */
const HIGH_SHARE = 0.7;

interface RiseNeeds {
  /** Epoch ms. */
  now: number;
  limit: number;
  /** The series of the reading. */
  series: string;
  /** The reading completed an edge. */
  isEdgeDone: boolean;
  terms?: LookTerms;
}

/**
 * The word to people about a quantity, by the forecast of hours (healing/forecast.ts) where that has found a rise, and by the edges of two days, oldest first; null: nothing.
 *
 * A rise that has begun with the life of its series is a leak: code leaks from its first job on. A rise that begins in the middle of a life may be the rhythm of a day
 * or a week. Nothing is told of it on the first day, of which no yesterday is known, unless the limit is near; on later days it has to go beyond what was held at
 * the same hour of yesterday. The numbers were chosen by replays of recorded courses (bench/warnings.ts), which also print how often each look is wrong.
 */
export function riseOf(
  found: Leak | null,
  edges: readonly Edge[],
  { now, limit, series, isEdgeDone, terms = QUARTER_TERMS }: RiseNeeds,
): Leak | null {
  if (found && isImminent(found, limit)) return found;
  if (!found && !isEdgeDone) return null;
  const before = yesterdayOf(edges, now, terms);
  const life = lifeOf(edges, series);
  if (found && !repeats(found.usedBytes, before, limit, terms)) {
    if (isSinceBirth(life, found.perMinuteBytes / MINUTE_MS, terms)) return found;
    if (before !== null && found.leftMs <= LATE_HORIZON_MS) return found;
  }
  return isEdgeDone && life.length > 0 ? slowRiseOf(life, before, limit, terms) : null;
}

/** The newest edge where it is high and was not so at this hour of yesterday; null: it is neither. */
export function highOf(edges: readonly Edge[], now: number, limit: number): number | null {
  const last = edges.at(-1);
  if (!last || limit <= 0 || last.value < HIGH_SHARE * limit) return null;
  return repeats(last.value, yesterdayOf(edges, now, QUARTER_TERMS), limit, QUARTER_TERMS) ? null : last.value;
}

/** A leak that is too slow for the forecast of hours. */
function slowRiseOf(life: readonly Edge[], before: number | null, limit: number, terms: LookTerms): Leak | null {
  const last = life.at(-1);
  if (!last || limit <= 0 || repeats(last.value, before, limit, terms)) return null;
  for (const hours of before === null ? terms.firstDayHours : terms.hours) {
    const leak = leakWithin(life, hours * HOUR_MS, limit, terms);
    const mayBeLate = before !== null && hours >= LATE_LEAST_HOURS;
    if (leak && (mayBeLate || isSinceBirth(life, leak.perMinuteBytes / MINUTE_MS, terms))) return leak;
  }
  return null;
}

function repeats(value: number, before: number | null, limit: number, { beyondShare }: LookTerms): boolean {
  return before !== null && value <= before + beyondShare * limit;
}

/** The most that was held around this time of yesterday; null where nothing is known of it. */
function yesterdayOf(edges: readonly Edge[], at: number, { besideMs }: LookTerms): number | null {
  const near = edges.filter((edge) => Math.abs(edge.at - (at - DAY_MS)) <= besideMs);
  return near.length === 0 ? null : Math.max(...near.map(({ value }) => value));
}

/** The newest edges of the series; none while another is fuller. */
function lifeOf(edges: readonly Edge[], series: string): readonly Edge[] {
  const first = edges.findLastIndex((edge) => edge.series !== series);
  return edges.slice(first + 1);
}

/** Whether the series has risen at that slope (per ms) for nearly all of its life. True of a life of less than two hours. */
function isSinceBirth(life: readonly Edge[], slope: number, { stepMs }: LookTerms): boolean {
  // The least of an hour lies between the teeth of garbage collection.
  const hour = HOUR_MS / stepMs;
  if (life.length < 2 * hour) return true;
  const least = (edges: readonly Edge[]) => Math.min(...edges.map(({ value }) => value));
  const [first, last] = [life.slice(0, hour), life.slice(-hour)];
  return least(last) - least(first) >= SINCE_BIRTH_SHARE * slope * (last[0]!.at - first[0]!.at);
}

function leakWithin(life: readonly Edge[], spanMs: number, limit: number, terms: LookTerms): Leak | null {
  const { stepMs, leastSteadiness, thirds: bounds } = terms;
  const { at: now, value: usedBytes } = life.at(-1)!;
  const points: Point[] = life.filter(({ at }) => at > now - spanMs);
  const spanned = now - life[0]!.at + stepMs;
  if (spanned < spanMs || points.length < (LEAST_SHARE * spanMs) / stepMs) return null;
  const slope = slopeOf(points);
  if (slope * spanMs < LEAST_RISE_SHARE * limit || steadinessOf(points) < leastSteadiness) return null;
  const thirds = thirdsOf(points, now - spanMs, spanMs).map(slopeOf);
  if (!thirds.every((third) => third >= bounds.least * slope && third <= bounds.most * slope)) return null;
  if (usedBytes + restOfRise(thirds[0]!, thirds[2]!, (2 * spanMs) / 3) < limit) return null;
  const leftMs = Math.max(0, (limit - usedBytes) / slope);
  return leftMs > HORIZON_MS ? null : { perMinuteBytes: slope * MINUTE_MS, leftMs, usedBytes, due: false };
}

function thirdsOf(points: readonly Point[], from: number, spanMs: number): Point[][] {
  return [0, 1, 2].map((third) =>
    points.filter(({ at }) => at > from + (third * spanMs) / 3 && at <= from + ((third + 1) * spanMs) / 3),
  );
}
