import type { Sketch } from '../../../kernel/sketch.ts';
import { type ByteReader, putWhole, readWhole } from './whole-numbers.ts';

/**
 * A sketch as bits: the number of its buckets with the length of the lower part of counts, then of each bucket the distance to the one before
 * (Elias gamma: small ones in few bits) and its count less one (Golomb–Rice: few bits for counts that are alike). 60 lengths in 23 buckets
 * take some 15 bytes.
 */
export function putSketch(bytes: number[], sketch: Sketch): void {
  const buckets = [...sketch].sort(([a], [b]) => a - b);
  const most = buckets.reduce((sum, [, count]) => sum + count - 1, 0) / Math.max(1, buckets.length);
  const lowBits = most < 1 ? 0 : Math.min(MOST_LOW_BITS, Math.floor(Math.log2(most)));
  putWhole(bytes, buckets.length * LOW_BITS_RANGE + lowBits);
  const bits = bitWriter(bytes);
  let next = 0;
  for (const [bucket, count] of buckets) {
    bits.gamma(bucket - next + 1);
    bits.unary(Math.floor((count - 1) / 2 ** lowBits));
    bits.low((count - 1) % 2 ** lowBits, lowBits);
    next = bucket + 1;
  }
  bits.end();
}

/** The sketch that begins at the place of the reader. Bits that no writer makes put the reader behind the end of the bytes. */
export function readSketch(reader: ByteReader): Sketch {
  const sketch: Sketch = new Map();
  const head = readWhole(reader);
  const lowBits = head % LOW_BITS_RANGE;
  const bits = bitReader(reader);
  let next = 0;
  for (let left = Math.floor(head / LOW_BITS_RANGE); left > 0 && reader.at <= reader.bytes.length; left--) {
    const bucket = next + bits.gamma() - 1;
    if (bucket > MOST_BUCKET) {
      reader.at = reader.bytes.length + 1;
      break;
    }
    const high = bits.unary();
    sketch.set(bucket, high * 2 ** lowBits + bits.low(lowBits) + 1);
    next = bucket + 1;
  }
  return sketch;
}

/** No length of time lies in a higher bucket. */
const MOST_BUCKET = 1_000;
const LOW_BITS_RANGE = 64;
const MOST_LOW_BITS = 50;

function bitWriter(bytes: number[]) {
  let byte = 0;
  let used = 0;
  function put(bit: number) {
    byte += bit * 2 ** used;
    used += 1;
    if (used < 8) return;
    bytes.push(byte);
    [byte, used] = [0, 0];
  }
  /** The lowest bit first. */
  function low(value: number, count: number) {
    for (let left = value, at = 0; at < count; at++) {
      put(left % 2);
      left = Math.floor(left / 2);
    }
  }
  function unary(value: number) {
    for (let left = value; left > 0; left--) put(1);
    put(0);
  }
  return {
    low,
    unary,
    /** `value` is 1 or more. */
    gamma(value: number) {
      const count = Math.floor(Math.log2(value));
      unary(count);
      low(value - 2 ** count, count);
    },
    end() {
      if (used > 0) bytes.push(byte);
    },
  };
}

function bitReader(reader: ByteReader) {
  let byte = 0;
  let left = 0;
  function take(): number {
    if (left === 0) {
      byte = reader.bytes[reader.at++] ?? 0;
      left = 8;
    }
    const bit = byte % 2;
    byte = (byte - bit) / 2;
    left -= 1;
    return bit;
  }
  function low(count: number): number {
    let value = 0;
    for (let at = 0; at < count; at++) value += take() * 2 ** at;
    return value;
  }
  function unary(): number {
    let value = 0;
    while (take() === 1) value += 1;
    return value;
  }
  return {
    low,
    unary,
    gamma(): number {
      const count = unary();
      return 2 ** count + low(count);
    },
  };
}
