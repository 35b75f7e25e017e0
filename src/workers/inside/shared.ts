import type { PoolUse } from '../pool-use.ts';

/**
 * The memory that a worker thread shares with its cell, so that the cell sees what the thread does without asking it:
 *
 * - marks: the job that is being done, when it began, when it last showed progress
 * - tickets: one for each job that was handed over; whoever changes it first, the thread (takes) or the cell (revokes), has it
 * - ring: ends of jobs on their way to the cell, see ring.ts
 *
 * Sequence numbers count up from 1, so a ticket of an earlier job in the same place never matches.
 */
export interface Shared {
  readonly memory: SharedArrayBuffer;
  readonly marks: Int32Array;
  readonly times: Float64Array;
  readonly tickets: Int32Array;
  readonly ring: Uint8Array;
  /** The text of the last beat, `marks[MARK.note]` bytes of UTF-8. */
  readonly note: Buffer;
}

/** Places in `marks`. */
export const MARK = {
  current: 0,
  head: 1,
  tail: 2,
  woken: 3,
  shownLines: 4,
  level: 5,
  note: 6,
  pools: 8,
  words: 16,
} as const;
/** Places in `times`: clock as in {@link sharedClock}. */
export const TIME = { startedAt: 0, progressAt: 1, startedEpoch: 2, count: 4 } as const;
/** The most jobs that a worker may hold. */
export const TICKETS = 512;
export const RING_BYTES = 64 * 1024;

export const NOTE_BYTES = 256;

const OFFERED = 1;
const TAKEN = 2;
const REVOKED = 3;
const TIMES_AT = MARK.words * 4;
const TICKETS_AT = TIMES_AT + TIME.count * 8;
const NOTE_AT = TICKETS_AT + TICKETS * 4;
const RING_AT = NOTE_AT + NOTE_BYTES;

/** A view of the memory; new memory when none is given. */
export function openShared(memory = new SharedArrayBuffer(RING_AT + RING_BYTES)): Shared {
  return {
    memory,
    marks: new Int32Array(memory, 0, MARK.words),
    times: new Float64Array(memory, TIMES_AT, TIME.count),
    tickets: new Int32Array(memory, TICKETS_AT, TICKETS),
    ring: new Uint8Array(memory, RING_AT, RING_BYTES),
    note: Buffer.from(memory, NOTE_AT, NOTE_BYTES),
  };
}

/** Writes the figures of the worker's pools; all are 0 in a worker without one. */
export function writePoolUse({ marks }: Shared, { held, idle, waiting, max, takenBack }: PoolUse): void {
  for (const [at, figure] of [held, idle, waiting, max, takenBack].entries()) marks[MARK.pools + at] = figure;
}

/** The figures of the worker's pools; null without one. The plugin may write there, so they are bounded. */
export function poolUseOf({ marks }: Shared): PoolUse | null {
  const [held, idle, waiting, max, takenBack] = [0, 1, 2, 3, 4].map((at) => Math.max(0, marks[MARK.pools + at]!));
  return max === 0 ? null : { held: held!, idle: idle!, waiting: waiting!, max: max!, takenBack: takenBack! };
}

/** The cell hands a job over. */
export function offerTicket(shared: Shared, seq: number): void {
  Atomics.store(shared.tickets, seq % TICKETS, word(seq, OFFERED));
}

/** The thread begins a job; false: it was revoked and must not begin. */
export function takeTicket(shared: Shared, seq: number): boolean {
  return (
    Atomics.compareExchange(shared.tickets, seq % TICKETS, word(seq, OFFERED), word(seq, TAKEN)) === word(seq, OFFERED)
  );
}

/** The cell takes a job back; false: the thread has begun it. */
export function revokeTicket(shared: Shared, seq: number): boolean {
  return (
    Atomics.compareExchange(shared.tickets, seq % TICKETS, word(seq, OFFERED), word(seq, REVOKED)) ===
    word(seq, OFFERED)
  );
}

/** The job that is being done; 0 for none. */
export function currentOf(shared: Shared): number {
  return Atomics.load(shared.marks, MARK.current);
}

/** Milliseconds of the machine's monotonic clock: the same in every thread of a process, unlike `performance.now()`. */
export function sharedClock(): () => number {
  // Taken before a plugin is loaded, which may put something else in its place.
  const now = performance.now.bind(performance);
  const base = Number(process.hrtime.bigint()) / 1e6 - now();
  return () => base + now();
}

function word(seq: number, state: number): number {
  return (seq << 2) | state;
}
