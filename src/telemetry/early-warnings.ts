import { HOUR_MS } from '../kernel/measures.ts';
import { SKETCH_ERROR, type Sketch, sketchCount, sketchCountUpTo, sketchQuantile } from '../kernel/sketch.ts';
import { type Point, slopeOf, steadinessOf } from '../kernel/statistics.ts';

/** The runs of an agent in a stretch of time. */
export interface Stretch {
  /** The durations of attempts that were done. */
  durations: Sketch;
  done: number;
  failedAttempts: number;
}

/** A warning that an agent gets slower, fails more often, or will reach its memory limit. */
export type EarlyWarning =
  /** P95 of durations in ms. */
  | { is: 'slower'; now: number; before: number; runs: number; runsBefore: number }
  /** Shares of attempts that failed, 0 … 1. */
  | { is: 'failing'; now: number; before: number; runs: number; runsBefore: number }
  | { is: 'growing'; perHourBytes: number; leftMs: number };

/** Runs that are needed now, and before: the shares of fewer are no figures. */
const LEAST_RUNS = 50;
const LEAST_RUNS_BEFORE = 200;
/** A P95 that rose by less is no trouble of anybody. */
const LEAST_SLOWER = 1.25;
const LEAST_SLOWER_MS = 20;
/** An error rate that rose by less than so many points, or less than doubled. */
const LEAST_MORE_ERRORS = 0.05;
const LEAST_TIMES_ERRORS = 2;
/** How many standard errors the bounds of a share lie away: both sides are beyond them by chance once in some million pairs. */
const Z = 3.5;

/**
 * Compares a stretch of now with one of before, by shares of runs: failed attempts, and runs that took longer than the P95 of before (5 % by
 * definition). A warning is given when the lower bound of the share of now is above the upper bound of the share of before, both by the score
 * interval (E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22, 1927), so that noise gives none;
 * there are enough runs on both sides; and the rise is worth a line. Durations may have any distribution.
 */
export function compareStretches(now: Stretch, before: Stretch): EarlyWarning[] {
  return [slowerOf(now, before), failingOf(now, before)].filter((one) => one !== undefined);
}

function slowerOf(now: Stretch, before: Stretch): EarlyWarning | undefined {
  const [runs, runsBefore] = [sketchCount(now.durations), sketchCount(before.durations)];
  const [p95, p95Before] = [sketchQuantile(now.durations, 0.95), sketchQuantile(before.durations, 0.95)];
  if (runs < LEAST_RUNS || runsBefore < LEAST_RUNS_BEFORE || p95 === null || p95Before === null) return undefined;
  if (p95 < p95Before * LEAST_SLOWER || p95 - p95Before < LEAST_SLOWER_MS) return undefined;
  // The next bucket belongs to the P95 as well: the sketch knows no more than that.
  const edge = p95Before * (1 + 2 * SKETCH_ERROR);
  const longer = (sketch: Sketch, all: number) => all - sketchCountUpTo(sketch, edge);
  const isMore = isMoreOften([longer(now.durations, runs), runs], [longer(before.durations, runsBefore), runsBefore]);
  return isMore ? { is: 'slower', now: p95, before: p95Before, runs, runsBefore } : undefined;
}

function failingOf(now: Stretch, before: Stretch): EarlyWarning | undefined {
  const [runs, runsBefore] = [attemptsOf(now), attemptsOf(before)];
  if (runs < LEAST_RUNS || runsBefore < LEAST_RUNS_BEFORE) return undefined;
  const [share, shareBefore] = [now.failedAttempts / runs, before.failedAttempts / runsBefore];
  if (share - shareBefore < LEAST_MORE_ERRORS || share < shareBefore * LEAST_TIMES_ERRORS) return undefined;
  const isMore = isMoreOften([now.failedAttempts, runs], [before.failedAttempts, runsBefore]);
  return isMore ? { is: 'failing', now: share, before: shareBefore, runs, runsBefore } : undefined;
}

function attemptsOf({ done, failedAttempts }: Stretch): number {
  return done + failedAttempts;
}

/** Whether a share (so many of all) is surely above another. */
function isMoreOften(now: readonly [number, number], before: readonly [number, number]): boolean {
  return scoreBound(...now, -1) > scoreBound(...before, 1);
}

/** A bound of the share of which `count` of `all` is a sample: Wilson's score interval, its lower (−1) or upper (1) end. */
function scoreBound(count: number, all: number, side: -1 | 1): number {
  const share = count / all;
  const z2 = Z * Z;
  const spread = Z * Math.sqrt((share * (1 - share)) / all + z2 / (4 * all * all));
  return (share + z2 / (2 * all) + side * spread) / (1 + z2 / all);
}

/** Hours that a course of memory needs, and the time that it spans: a rise by day that falls by night is none. */
const LEAST_HOURS = 24;
const LEAST_SPAN_MS = 36 * HOUR_MS;
/** How steadily memory has to rise, as a share of all pairs of hours. */
const LEAST_STEADINESS = 0.7;
const LEAST_RISE_SHARE = 0.1;
/** A limit that is farther away is no matter of now. */
const HORIZON_MS = 72 * HOUR_MS;

/**
 * Whether the hourly peaks of memory, oldest first, rise steadily to the limit: Theil–Sen slope and Kendall's share of rising pairs, as the
 * forecast of healing has them (`healing/forecast.ts`), over two days instead of three hours. That forecast recycles a worker in time; this
 * warning is for the author.
 */
export function memoryGrowthOf(peaks: readonly Point[], limitBytes: number): EarlyWarning | undefined {
  const last = peaks.at(-1);
  if (!last || limitBytes <= 0 || peaks.length < LEAST_HOURS || last.at - peaks[0]!.at < LEAST_SPAN_MS)
    return undefined;
  const slope = slopeOf(peaks);
  if (slope <= 0 || steadinessOf(peaks) < LEAST_STEADINESS) return undefined;
  if (slope * (last.at - peaks[0]!.at) < LEAST_RISE_SHARE * limitBytes) return undefined;
  const leftMs = Math.max(0, (limitBytes - last.value) / slope);
  return leftMs > HORIZON_MS ? undefined : { is: 'growing', perHourBytes: slope * HOUR_MS, leftMs };
}
