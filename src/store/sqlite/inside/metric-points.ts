import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../kernel/measures.ts';
import type { SeriesKind, SeriesValue } from '../../../kernel/series.ts';
import type { AggregateSpan } from '../../../telemetry/ports.ts';
import { putSketch, readSketch } from './sketch-bits.ts';
import { type ByteReader, putWhole, readWhole } from './whole-numbers.ts';

/**
 * The length of a point of each span, and of the row that holds its points, in ms. Rows above 1 kB would take a page of 4 kB of their own
 * beside that of the table, so that days of a month are too many.
 */
export const POINT_SPANS: Readonly<Record<AggregateSpan, { pointMs: number; rowMs: number }>> = {
  minute: { pointMs: MINUTE_MS, rowMs: HOUR_MS },
  hour: { pointMs: HOUR_MS, rowMs: DAY_MS },
  day: { pointMs: DAY_MS, rowMs: 8 * DAY_MS },
};

/** A point within its row. */
export interface RowPoint {
  /** The number of spans since the begin of the row. */
  place: number;
  value: SeriesValue;
}

/**
 * Points as bytes, one after the other: the place, then the values as numbers of one to nine bytes. Rows of the same series and time are put
 * together by appending. Of a gauge the least, the mean and the most are kept; whole numbers are exact, fractions within 0.001 %.
 */
export function packPoints(points: readonly RowPoint[]): Uint8Array {
  const bytes: number[] = [];
  for (const { place, value } of points) {
    bytes.push(place);
    if (value.kind === 'counter') putNumber(bytes, value.sum);
    else if (value.kind === 'gauge') {
      putNumber(bytes, value.least);
      putNumber(bytes, value.most - value.least);
      putNumber(bytes, rounded(value.sum / value.count - value.least));
    } else {
      putNumber(bytes, rounded(value.sum));
      putSketch(bytes, value.sketch);
    }
  }
  return Uint8Array.from(bytes);
}

/** The points of such bytes, in their order. Bytes that are damaged hold the points before the damage. */
export function unpackPoints(bytes: Uint8Array, kind: SeriesKind): RowPoint[] {
  const points: RowPoint[] = [];
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const place = bytes[reader.at++]!;
    const value = readValue(reader, kind);
    if (reader.at > bytes.length) break;
    points.push({ place, value });
  }
  return points;
}

/** Reads the value of a point of schema 21 and later. */
export function readValue(reader: ByteReader, kind: SeriesKind): SeriesValue {
  if (kind === 'counter') return { kind, sum: readNumber(reader) };
  if (kind === 'gauge') {
    const least = readNumber(reader);
    const most = least + readNumber(reader);
    const mean = least + readNumber(reader);
    return { kind, count: 1, sum: mean, least, most, last: mean };
  }
  return { kind, sum: readNumber(reader), sketch: readSketch(reader) };
}

/** The lowest two bits say how a number is written. */
const WHOLE = 0;
const THOUSANDTHS = 1;
const DOUBLE = 2;
const MILLIONTHS = 3;
const LARGEST = 2 ** 50;
/** The share of a fraction by which it may be rounded. */
const ROUNDED_BY = 1e-5;

function putNumber(bytes: number[], value: number) {
  if (value >= 0 && value < LARGEST && Number.isInteger(value)) return putWhole(bytes, 4 * value + WHOLE);
  for (const [part, form] of [
    [1_000, THOUSANDTHS],
    [1_000_000, MILLIONTHS],
  ] as const) {
    const parts = Math.round(value * part);
    const isClose = Math.abs(parts / part - value) <= Math.abs(value) * ROUNDED_BY;
    if (parts >= 0 && parts < LARGEST && isClose) return putWhole(bytes, 4 * parts + form);
  }
  bytes.push(DOUBLE, ...new Uint8Array(Float64Array.of(value).buffer));
}

/** Reads a number of one to nine bytes. */
export function readNumber(reader: ByteReader): number {
  const word = readWhole(reader);
  const form = word % 4;
  if (form === WHOLE) return word / 4;
  if (form !== DOUBLE) return (word - form) / 4 / (form === THOUSANDTHS ? 1_000 : 1_000_000);
  const bytes = reader.bytes.slice(reader.at, reader.at + 8);
  reader.at += 8;
  return bytes.length === 8 ? new Float64Array(bytes.buffer)[0]! : 0;
}

/** Rounds to a thousandth, and from 1,000 on to a whole number. */
function rounded(value: number): number {
  return value < 1_000 ? Math.round(value * 1_000) / 1_000 : Math.round(value);
}
