import { MARK, RING_BYTES, type Shared } from './shared.ts';

/**
 * Ends of jobs from the thread to its cell: one writer, one reader. Messages in the ring survive the thread's death,
 * and a next job that never yields. The writer asks for a wake-up only when the reader has gone to sleep.
 *
 * A record: its length, the sequence number, the result's length in bytes (−1: null), start (epoch ms), duration (ms), result in UTF-8.
 */
const HEAD_BYTES = 32;
/** Longer results go by message. */
const LONGEST_RESULT = 8 * 1024;
/** Positions count up to here and begin again: a multiple of the ring's size, so that both sides agree where that is. */
const POSITIONS = RING_BYTES * 8192;

interface RingWriter {
  /** False: no room, or too long; send it by message instead. */
  put(seq: number, startedAt: number, durationMs: number, result: string | null): boolean;
  /** Whether the reader has to be woken for what was put. */
  mustWake(): boolean;
}

export function createRingWriter(shared: Shared): RingWriter {
  const { marks, ring } = shared;
  const bytes = Buffer.from(ring.buffer, ring.byteOffset, ring.byteLength);
  const view = new DataView(ring.buffer, ring.byteOffset, ring.byteLength);
  let head = 0;

  return {
    put(seq, startedAt, durationMs, result) {
      // A code unit is three bytes of UTF-8 at most.
      const bound = result === null ? 0 : result.length * 3;
      if (bound > LONGEST_RESULT) return false;
      const need = align(HEAD_BYTES + bound);
      let at = head % RING_BYTES;
      const toEnd = RING_BYTES - at;
      const skip = toEnd < need ? toEnd : 0;
      const used = (head - Atomics.load(marks, MARK.tail) + POSITIONS) % POSITIONS;
      if (used + skip + need > RING_BYTES) return false;
      if (skip > 0) {
        view.setInt32(at, -1, true);
        head += skip;
        at = 0;
      }
      const length = result === null ? -1 : result.length === 0 ? 0 : bytes.write(result, at + HEAD_BYTES, bound);
      const size = align(HEAD_BYTES + Math.max(0, length));
      view.setInt32(at, size, true);
      view.setInt32(at + 4, seq, true);
      view.setInt32(at + 8, length, true);
      view.setFloat64(at + 16, startedAt, true);
      view.setFloat64(at + 24, durationMs, true);
      head = (head + size) % POSITIONS;
      Atomics.store(marks, MARK.head, head);
      return true;
    },
    mustWake: () => Atomics.exchange(marks, MARK.woken, 1) === 0,
  };
}

interface RingReader {
  /**
   * Reads all there is: values as in {@link FromCell} `done`, to be called when woken and when the thread is gone. Throws for a
   * record that no {@link RingWriter} makes: then a plugin has written into the memory, and the ring is of no more use.
   */
  drain(): (number | string | null)[];
}

export function createRingReader(shared: Shared): RingReader {
  const { marks, ring } = shared;
  const bytes = Buffer.from(ring.buffer, ring.byteOffset, ring.byteLength);
  const view = new DataView(ring.buffer, ring.byteOffset, ring.byteLength);
  // The reader's own: what stands in the shared memory, the thread may change.
  let tail = 0;

  /**
   * Appends the record's values; returns its size. The code reads each position once, because it may change between two
   * reads.
   */
  function read(at: number, most: number, flat: (number | string | null)[]): number {
    const size = view.getInt32(at, true);
    if (size < HEAD_BYTES || size > most || size % 8 !== 0) throw new Error('a record of no size');
    const seq = view.getInt32(at + 4, true);
    const length = view.getInt32(at + 8, true);
    const startedAt = view.getFloat64(at + 16, true);
    const durationMs = view.getFloat64(at + 24, true);
    if (seq < 1 || length < -1 || length > size - HEAD_BYTES) throw new Error('a record of no job');
    if (!Number.isFinite(startedAt) || !Number.isFinite(durationMs)) throw new Error('a record of no time');
    const from = at + HEAD_BYTES;
    flat.push(seq, startedAt, durationMs, length === -1 ? null : bytes.toString('utf8', from, from + length));
    return size;
  }

  return {
    drain() {
      const flat: (number | string | null)[] = [];
      // Before looking: what is put after this look wakes again.
      Atomics.store(marks, MARK.woken, 0);
      let left = (Atomics.load(marks, MARK.head) - tail + POSITIONS) % POSITIONS;
      if (left === 0) return flat;
      if (left < 0 || left > RING_BYTES) throw new Error('a ring that is more than full');
      while (left > 0) {
        const at = tail % RING_BYTES;
        const toEnd = RING_BYTES - at;
        const isSkip = view.getInt32(at, true) === -1;
        const step = isSkip && toEnd <= left ? toEnd : read(at, Math.min(left, toEnd), flat);
        tail = (tail + step) % POSITIONS;
        left -= step;
      }
      Atomics.store(marks, MARK.tail, tail);
      return flat;
    },
  };
}

function align(bytes: number): number {
  return (bytes + 7) & ~7;
}
