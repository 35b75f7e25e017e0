import { labelsOf, labelsText, type SeriesLabels, type SeriesValue } from '../../../kernel/series.ts';
import { mergeSketch, type Sketch, sketchOf, sketchSum } from '../../../kernel/sketch.ts';
import type { MetricPoint } from '../../../telemetry/meter/ports.ts';

/** The counts of one agent, or of one version of it, in a stretch of time. */
export interface AttemptCounts {
  done: number;
  dead: number;
  failedAttempts: number;
  /** The durations of attempts that were done. */
  durations: Sketch;
  /** The times from when jobs were due until their first attempts were given out. */
  lateness: Sketch;
  /** The most memory that one worker held, in bytes; null: it was not measured. */
  memoryPeak: number | null;
}

/** The row of `minute_count` of a version in a minute that is no point of a series yet. */
export interface MinuteRow {
  start: number;
  agent: string;
  /** Empty: of memory, and of attempts whose version nobody knows. */
  version: string;
  done: number;
  dead: number;
  failedAttempts: number;
  durations: string;
  lateness: string;
  memoryPeak: number | null;
}

/** The columns of {@link MinuteRow}. */
export const MINUTE_COLUMNS =
  'start, agent, version, done, dead, failed_attempts AS failedAttempts, durations, lateness, memory_peak AS memoryPeak';

/** The series that the store counts itself, in the transactions that end attempts. */
export const COUNTED_SERIES = ['attempts', 'duration', 'jobs.late', 'memory'] as const;
type CountedName = (typeof COUNTED_SERIES)[number];

export function noCounts(): AttemptCounts {
  return { done: 0, dead: 0, failedAttempts: 0, durations: new Map(), lateness: new Map(), memoryPeak: null };
}

/** Adds what `other` counted. */
export function mergeCounts(counts: AttemptCounts, other: AttemptCounts): void {
  counts.done += other.done;
  counts.dead += other.dead;
  counts.failedAttempts += other.failedAttempts;
  mergeSketch(counts.durations, other.durations);
  mergeSketch(counts.lateness, other.lateness);
  if (other.memoryPeak !== null) counts.memoryPeak = Math.max(counts.memoryPeak ?? 0, other.memoryPeak);
}

/** The counts of a row; an unreadable sketch counts nothing. */
export function countsOf(row: Omit<MinuteRow, 'start' | 'agent' | 'version'>): AttemptCounts {
  const { done, dead, failedAttempts, durations, lateness, memoryPeak } = row;
  const [took, late] = [sketchOf(durations) ?? new Map(), sketchOf(lateness) ?? new Map()];
  return { done, dead, failedAttempts, durations: took, lateness: late, memoryPeak };
}

/** The counts as points of {@link COUNTED_SERIES}. The sum of a histogram is that of its sketch. */
export function pointsOfCounts(
  { agent, version, at }: { agent: string; version: string; at: number },
  counts: AttemptCounts,
): MetricPoint[] {
  const points: MetricPoint[] = [];
  const put = (name: CountedName, labels: SeriesLabels, value: SeriesValue) =>
    points.push({ agent, at, name, labels: labelsText(labels), value });
  const of: SeriesLabels = version === '' ? {} : { version };
  const { done, dead, failedAttempts, durations, lateness, memoryPeak } = counts;
  const outcomes = { done, dead, retrying: Math.max(0, failedAttempts - dead) };
  for (const [outcome, sum] of Object.entries(outcomes)) {
    if (sum > 0) put('attempts', { ...of, outcome }, { kind: 'counter', sum });
  }
  if (durations.size > 0) put('duration', of, histogramOf(durations));
  if (lateness.size > 0) put('jobs.late', {}, histogramOf(lateness));
  if (memoryPeak !== null) {
    const level = { sum: memoryPeak, least: memoryPeak, most: memoryPeak, last: memoryPeak };
    put('memory', {}, { kind: 'gauge', count: 1, ...level });
  }
  return points;
}

function histogramOf(sketch: Sketch): SeriesValue {
  return { kind: 'histogram', sum: Math.round(sketchSum(sketch)), sketch };
}

/** Adds a value of one of {@link COUNTED_SERIES}. */
export function addToCounts(counts: AttemptCounts, name: string, labels: string, value: SeriesValue): void {
  if (value.kind === 'gauge') counts.memoryPeak = Math.max(counts.memoryPeak ?? 0, value.most);
  else if (value.kind === 'histogram')
    mergeSketch(name === 'duration' ? counts.durations : counts.lateness, value.sketch);
  else {
    const { outcome } = labelsOf(labels);
    if (outcome === 'done') counts.done += value.sum;
    else counts.failedAttempts += value.sum;
    if (outcome === 'dead') counts.dead += value.sum;
  }
}

/** The start of the span in which a time lies. */
export function startOf(spanMs: number, at: number): number {
  return Math.floor(at / spanMs) * spanMs;
}
