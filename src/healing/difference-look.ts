import { HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import type { Leak } from './forecast.ts';

/** The memory of one life of a worker at a moment between two jobs. */
interface HeapSample {
  /** Since the worker was ready, in ms. */
  ageMs: number;
  /** Jobs that it has ended. */
  jobs: number;
  bytes: number;
}

/** Rises of workers of a version since their begin, by one measure of life: how many were seen, their mean, and the sum of squared distances from it. */
type Cell = [count: number, mean: number, squares: number];

/** The heaps of a version: rises since the first sample of each life, by class of age and by class of jobs done. Plain data, for the store. */
export interface VersionProfile {
  ages: Record<string, Cell>;
  jobs: Record<string, Cell>;
  /** The most that a worker held at a completed class. */
  peakBytes: number;
  /** The time that its workers have lived together, in ms. */
  livedMs: number;
}

/** A worker's life as the look follows it. */
export interface HeapLife {
  first: HeapSample | null;
  /** Least bytes of the class of age that goes on. */
  least: HeapSample | null;
  /** The age at which the class before was complete, in ms. */
  completedMs: number;
  /** CUSUM of the excess over the version before: by age, and by jobs. */
  sums: { ages: number; jobs: number };
  /** The excess of each class of age, newest last. */
  excess: { ageMs: number; bytes: number }[];
}

export const emptyProfile = (): VersionProfile => ({
  ages: {},
  jobs: {},
  peakBytes: 0,
  livedMs: 0,
});
export const newLife = (): HeapLife => ({
  first: null,
  least: null,
  completedMs: 0,
  sums: { ages: 0, jobs: 0 },
  excess: [],
});

/** Ages are classed by quarters of an hour for half a day, and by hours for two days; jobs by powers of √2: the profile of a version is small whatever its life. */
const QUARTER_MS = 15 * MINUTE_MS;
const QUARTERS = 48;
const MOST_HOURS = 48;
const MOST_EXCESS = 96;
/** A first sample is taken after this time: what a worker loads at its begin is no rise. */
const WARM_UP_MS = 5 * MINUTE_MS;
/** CUSUM: drift that is let go, and the sum that is told, in standard deviations. */
const SLACK = 0.5;
const ALARM = 8;
/** A standard deviation is no less than this share of the limit: a few alike lives are no law. */
const LEAST_DEVIATION_SHARE = 0.01;
/** The version before has to be known for nearly a day: it may hold more at another hour. */
const LEAST_LIVED_MS = 20 * HOUR_MS;
/** An excess below this share of the limit, over the version before and over all that it ever held, is not worth a word. */
const LEAST_EXCESS_SHARE = 0.04;
/** Classes that the excess has to go on rising for: a version that simply holds more rises once. */
const RISING_CLASSES = 6;
const RISING_SHARE = 0.5;
const HORIZON_MS = 48 * HOUR_MS;

function ageClass({ ageMs }: HeapSample): number {
  const quarter = Math.floor(ageMs / QUARTER_MS);
  return quarter < QUARTERS ? quarter : QUARTERS + Math.min(MOST_HOURS, Math.floor((quarter - QUARTERS) / 4));
}

const jobClass = ({ jobs }: HeapSample) => (jobs === 0 ? 0 : 1 + Math.floor(2 * Math.log2(jobs)));

/** A class of age that is complete: its lower edge, which garbage collection does not saw. */
interface HeapStep {
  sample: HeapSample;
  /** Bytes above the first sample. */
  rise: number;
  /** Of the life, since the class before, in ms. */
  spanMs: number;
}

/** Takes a sample of a life. The answer is the class of age that it completed, or null. */
export function stepLife(life: HeapLife, sample: HeapSample): HeapStep | null {
  if (sample.ageMs < WARM_UP_MS) return null;
  const { least } = life;
  if (!least || ageClass(least) === ageClass(sample)) {
    if (!least || sample.bytes <= least.bytes) life.least = sample;
    return null;
  }
  life.least = sample;
  life.first ??= least;
  const spanMs = sample.ageMs - life.completedMs;
  life.completedMs = sample.ageMs;
  return { sample: least, rise: least.bytes - life.first.bytes, spanMs };
}

/** Adds a step of a life to the profile of its version (B. P. Welford, Note on a Method for Calculating Corrected Sums of Squares, 1962). */
export function learn(profile: VersionProfile, { sample, rise, spanMs }: HeapStep): void {
  profile.peakBytes = Math.max(profile.peakBytes, sample.bytes);
  profile.livedMs += spanMs;
  for (const [cells, key] of [
    [profile.ages, ageClass(sample)],
    [profile.jobs, jobClass(sample)],
  ] as const) {
    const [count, mean, squares] = cells[key] ?? [0, 0, 0];
    const next = mean + (rise - mean) / (count + 1);
    cells[key] = [count + 1, Math.round(next), Math.round(squares + (rise - mean) * (rise - next))];
  }
}

/**
 * Whether a version leaks where the version before it did not: the rise of a worker since its begin is compared with the rises of the version before at the same age, and
 * after as many jobs (a version that is busier holds more at an age, a slower one after as many jobs: both have to be exceeded). The excess is summed by a CUSUM
 * (E. S. Page, Continuous Inspection Schemes, Biometrika 41, 1954), which beats tests of trends on heaps of versions (R. Matias, A. Andrzejak, F. Machida, D. Elias, K. Trivedi,
 * A Systematic Differential Analysis for Fast and Robust Detection of Software Aging, SRDS 2014), and has to go on rising: a version that holds more from some point on is no
 * leak. `before`: the profile of the version before; of classes that it has not reached nothing is known.
 */
export function differenceOf(life: HeapLife, step: HeapStep, before: VersionProfile, limitBytes: number): Leak | null {
  const { sample, rise } = step;
  const byAge = before.ages[ageClass(sample)];
  const byJobs = before.jobs[jobClass(sample)] ?? newestOf(before.jobs);
  if (!byAge || !byJobs || before.livedMs < LEAST_LIVED_MS) return null;
  life.sums.ages = sumOf(life.sums.ages, rise, byAge, limitBytes);
  life.sums.jobs = sumOf(life.sums.jobs, rise, byJobs, limitBytes);
  const excess = rise - Math.max(byAge[1], byJobs[1]);
  life.excess = [...life.excess, { ageMs: sample.ageMs, bytes: excess }].slice(-MOST_EXCESS);
  const least = Math.min(excess, sample.bytes - before.peakBytes);
  if (Math.min(life.sums.ages, life.sums.jobs) < ALARM || least < LEAST_EXCESS_SHARE * limitBytes) return null;
  return goesOn(life.excess, sample.bytes, limitBytes);
}

/** The profile's class of most jobs: a worker that has done more than any before is compared with it. */
function newestOf(cells: Record<string, Cell>): Cell | undefined {
  const keys = Object.keys(cells).map(Number);
  return keys.length === 0 ? undefined : cells[Math.max(...keys)];
}

function sumOf(sum: number, rise: number, [count, mean, squares]: Cell, limitBytes: number): number {
  const deviation = Math.max(Math.sqrt(squares / Math.max(1, count - 1)), LEAST_DEVIATION_SHARE * limitBytes);
  return Math.max(0, sum + (rise - mean) / deviation - SLACK);
}

/** The leak that an excess is: it rises in the later half as in the earlier, and reaches the limit. */
function goesOn(excess: HeapLife['excess'], usedBytes: number, limitBytes: number): Leak | null {
  if (excess.length < RISING_CLASSES) return null;
  const half = excess.length >> 1;
  const slope = meanSlope(excess[0]!, excess.at(-1)!);
  const later = meanSlope(excess[half]!, excess.at(-1)!);
  if (slope <= 0 || later < RISING_SHARE * slope) return null;
  const leftMs = Math.max(0, (limitBytes - usedBytes) / later);
  return leftMs > HORIZON_MS ? null : { perMinuteBytes: later * MINUTE_MS, leftMs, usedBytes, due: false };
}

function meanSlope(from: HeapLife['excess'][number], to: HeapLife['excess'][number]): number {
  return (to.bytes - from.bytes) / Math.max(1, to.ageMs - from.ageMs);
}
