import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../kernel/measures.ts';
import type { SeriesKind, SeriesValue } from '../../../kernel/series.ts';
import type { Sketch } from '../../../kernel/sketch.ts';
import type { AggregateSpan } from '../../../telemetry/ports.ts';

/** The length of a point of each span, and of the row that holds its points, in ms. */
export const POINT_SPANS: Readonly<Record<AggregateSpan, { pointMs: number; rowMs: number }>> = {
  minute: { pointMs: MINUTE_MS, rowMs: HOUR_MS },
  hour: { pointMs: HOUR_MS, rowMs: DAY_MS },
  day: { pointMs: DAY_MS, rowMs: 32 * DAY_MS },
};

/** A point within its row. */
export interface RowPoint {
  /** The number of spans since the begin of the row. */
  place: number;
  value: SeriesValue;
}

/**
 * Points as bytes, one after the other: the place, then the values as numbers of one to nine bytes. Rows of the same series and time are put
 * together by appending. Of a gauge the least, the mean and the most are kept.
 */
export function packPoints(points: readonly RowPoint[]): Uint8Array {
  const bytes: number[] = [];
  for (const { place, value } of points) {
    bytes.push(place);
    if (value.kind === 'counter') putNumber(bytes, value.sum);
    else if (value.kind === 'gauge') {
      putNumber(bytes, value.least);
      putNumber(bytes, value.most - value.least);
      putNumber(bytes, thousandths(value.sum / value.count - value.least));
    } else {
      putNumber(bytes, value.sum < 1_000 ? thousandths(value.sum) : Math.round(value.sum));
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

interface Reader {
  bytes: Uint8Array;
  at: number;
}

function readValue(reader: Reader, kind: SeriesKind): SeriesValue {
  if (kind === 'counter') return { kind, sum: readNumber(reader) };
  if (kind === 'gauge') {
    const least = readNumber(reader);
    const most = least + readNumber(reader);
    const mean = least + readNumber(reader);
    return { kind, count: 1, sum: mean, least, most, last: mean };
  }
  return { kind, sum: readNumber(reader), sketch: readSketch(reader) };
}

/** The distances of buckets, with a bit for a count that is not 1. */
function putSketch(bytes: number[], sketch: Sketch) {
  putWhole(bytes, sketch.size);
  let before = 0;
  for (const [bucket, count] of [...sketch].sort(([a], [b]) => a - b)) {
    putWhole(bytes, 2 * (bucket - before) + (count === 1 ? 0 : 1));
    if (count !== 1) putWhole(bytes, count);
    before = bucket;
  }
}

function readSketch(reader: Reader): Sketch {
  const sketch: Sketch = new Map();
  let bucket = 0;
  for (let left = readWhole(reader); left > 0 && reader.at < reader.bytes.length; left--) {
    const word = readWhole(reader);
    bucket += Math.floor(word / 2);
    sketch.set(bucket, word % 2 === 0 ? 1 : readWhole(reader));
  }
  return sketch;
}

/** The lowest two bits say how a number is written. */
const WHOLE = 0;
const THOUSANDTHS = 1;
const DOUBLE = 2;
const LARGEST = 2 ** 50;

function putNumber(bytes: number[], value: number) {
  if (value >= 0 && value < LARGEST) {
    if (Number.isInteger(value)) return putWhole(bytes, 4 * value + WHOLE);
    const parts = Math.round(value * 1_000);
    if (parts < LARGEST && parts / 1_000 === value) return putWhole(bytes, 4 * parts + THOUSANDTHS);
  }
  bytes.push(DOUBLE, ...new Uint8Array(Float64Array.of(value).buffer));
}

function readNumber(reader: Reader): number {
  const word = readWhole(reader);
  if (word % 4 === WHOLE) return word / 4;
  if (word % 4 === THOUSANDTHS) return (word - THOUSANDTHS) / 4 / 1_000;
  const bytes = reader.bytes.slice(reader.at, reader.at + 8);
  reader.at += 8;
  return bytes.length === 8 ? new Float64Array(bytes.buffer)[0]! : 0;
}

/** Seven bits a byte, the lowest first. */
function putWhole(bytes: number[], value: number) {
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  bytes.push(left);
}

function readWhole(reader: Reader): number {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = reader.bytes[reader.at++] ?? 0;
    value += (byte % 128) * factor;
    if (byte < 128) return value;
  }
}

function thousandths(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
