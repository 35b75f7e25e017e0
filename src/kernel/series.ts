import { addToSketch, mergeSketch, type Sketch } from './sketch.ts';

/**
 * The kind of a series. `counter`: amounts that add up · `gauge`: a level that is read now and then · `histogram`: lengths of time in ms, of
 * which quantiles are asked.
 */
export type SeriesKind = (typeof SERIES_KINDS)[number];
export const SERIES_KINDS = ['counter', 'gauge', 'histogram'] as const;

/** The values of a series in a stretch of time; values of two stretches, or of two processes, merge to those of both. */
export type SeriesValue =
  | { kind: 'counter'; sum: number }
  | GaugeValue
  /** The sum of the lengths is exact, unlike the sketch. */
  | { kind: 'histogram'; sum: number; sketch: Sketch };

/** Readings of a gauge: how many, their sum, the least, the most and the newest. */
interface GaugeValue {
  kind: 'gauge';
  count: number;
  sum: number;
  least: number;
  most: number;
  last: number;
}

/** The values of a series at its first value. */
export function firstValue(kind: SeriesKind, value: number): SeriesValue {
  if (kind === 'gauge') return { kind, count: 1, sum: value, least: value, most: value, last: value };
  if (kind === 'counter') return { kind, sum: value };
  const sketch: Sketch = new Map();
  addToSketch(sketch, value);
  return { kind, sum: value, sketch };
}

/** Adds a value. */
export function addToSeries(series: SeriesValue, value: number): void {
  if (series.kind === 'gauge') {
    series.count += 1;
    series.least = Math.min(series.least, value);
    series.most = Math.max(series.most, value);
    series.last = value;
  } else if (series.kind === 'histogram') addToSketch(series.sketch, value);
  series.sum += value;
}

/** Adds the values of a later stretch of the same series; those of another kind change nothing. */
export function mergeSeries(series: SeriesValue, later: SeriesValue): void {
  if (series.kind === 'counter' && later.kind === 'counter') series.sum += later.sum;
  if (series.kind === 'histogram' && later.kind === 'histogram') {
    series.sum += later.sum;
    mergeSketch(series.sketch, later.sketch);
  }
  if (series.kind === 'gauge' && later.kind === 'gauge') {
    series.count += later.count;
    series.sum += later.sum;
    series.least = Math.min(series.least, later.least);
    series.most = Math.max(series.most, later.most);
    series.last = later.last;
  }
}

/** A copy that later values do not change. */
export function copySeries(series: SeriesValue): SeriesValue {
  return series.kind === 'histogram' ? { ...series, sketch: new Map(series.sketch) } : { ...series };
}

/** Labels of a series, by name. */
export type SeriesLabels = Readonly<Record<string, string>>;

/** The labels as one text, the same for the same labels in any order; empty for none. */
export function labelsText(labels: SeriesLabels | undefined): string {
  if (labels === undefined) return '';
  const names = Object.keys(labels);
  if (names.length === 0) return '';
  return JSON.stringify(names.sort().map((name) => [name, labels[name]]));
}

/** The labels of such a text; none for any other. */
export function labelsOf(text: string): SeriesLabels {
  return text === '' ? {} : Object.fromEntries(JSON.parse(text) as [string, string][]);
}

/** The values as a list of numbers, for messages. */
export function packSeries(value: SeriesValue): number[] {
  if (value.kind === 'counter') return [value.sum];
  if (value.kind === 'gauge') return [value.count, value.sum, value.least, value.most, value.last];
  return [value.sum, ...[...value.sketch].flat()];
}

/** The buckets of a sketch, of which the highest holds lengths of a thousand years. */
const MOST_BUCKET = 1_000;

/** The values of such a list; undefined for any other. */
export function unpackSeries(kind: unknown, numbers: readonly number[]): SeriesValue | undefined {
  if (!numbers.every((number) => Math.abs(number) <= Number.MAX_VALUE)) return undefined;
  if (kind === 'counter') return numbers.length === 1 && numbers[0]! >= 0 ? { kind, sum: numbers[0]! } : undefined;
  if (kind === 'gauge') {
    const [count, sum, least, most, last] = numbers as [number, number, number, number, number];
    return numbers.length === 5 && isCount(count) ? { kind, count, sum, least, most, last } : undefined;
  }
  const [sum, ...flat] = numbers;
  if (kind !== 'histogram' || sum === undefined || sum < 0 || flat.length % 2 !== 0) return undefined;
  const sketch: Sketch = new Map();
  for (let at = 0; at < flat.length; at += 2) {
    const [bucket, count] = [flat[at]!, flat[at + 1]!];
    if (!Number.isInteger(bucket) || bucket < 0 || bucket > MOST_BUCKET || !isCount(count)) return undefined;
    sketch.set(bucket, count);
  }
  return { kind, sum, sketch };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
