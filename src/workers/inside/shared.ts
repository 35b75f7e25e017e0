import type { PoolUse } from '../pool-use.ts';

/**
 * The memory that a worker thread shares with its cell, so that the cell sees what the thread does without asking it:
 *
 * - running: a place for each job that may run at a time: which job it is, and whether the thread has heard of its abort
 * - times: for each place, when its job began and when it last showed progress
 * - tickets: one for each job that was handed over; whoever changes it first, the thread (takes) or the cell (revokes), has it
 * - ring: ends of jobs on their way to the cell, see ring.ts
 *
 * Sequence numbers count up from 1, so a ticket of an earlier job in the same place never matches.
 */
export interface Shared {
  readonly memory: SharedArrayBuffer;
  readonly marks: Int32Array;
  /** How many jobs may run at a time. */
  readonly places: number;
  readonly running: Int32Array;
  readonly times: Float64Array;
  readonly tickets: Int32Array;
  readonly ring: Uint8Array;
  /** The texts of the last beats, {@link NOTE_BYTES} of UTF-8 for each place. */
  readonly notes: Buffer;
}

/** Places in `marks`. */
export const MARK = { head: 1, tail: 2, woken: 3, shownLines: 4, level: 5, pools: 8, words: 16 } as const;
/** Words of a place in `running`: the job's sequence number (0: none), the bytes of its last beat, whether it heard of its abort. */
const JOB = { seq: 0, note: 1, heard: 2, words: 4 } as const;
/** Values of a place in `times`: clock as in {@link sharedClock}, but for `startedEpoch`. */
const TIME = { startedAt: 0, progressAt: 1, startedEpoch: 2, values: 4 } as const;
/** The most jobs that a worker may hold. */
export const TICKETS = 512;
export const RING_BYTES = 64 * 1024;

const NOTE_BYTES = 256;

const OFFERED = 1;
const TAKEN = 2;
const REVOKED = 3;
const TICKETS_AT = MARK.words * 4;
const RING_AT = TICKETS_AT + TICKETS * 4;
const TIMES_AT = RING_AT + RING_BYTES;
const PLACE_BYTES = TIME.values * 8 + JOB.words * 4 + NOTE_BYTES;

/** A view of the memory of a worker with so many places; new memory when none is given. */
export function openShared(places = 1, memory = new SharedArrayBuffer(TIMES_AT + places * PLACE_BYTES)): Shared {
  const runningAt = TIMES_AT + places * TIME.values * 8;
  return {
    memory,
    places,
    marks: new Int32Array(memory, 0, MARK.words),
    tickets: new Int32Array(memory, TICKETS_AT, TICKETS),
    ring: new Uint8Array(memory, RING_AT, RING_BYTES),
    times: new Float64Array(memory, TIMES_AT, places * TIME.values),
    running: new Int32Array(memory, runningAt, places * JOB.words),
    notes: Buffer.from(memory, runningAt + places * JOB.words * 4, places * NOTE_BYTES),
  };
}

/** A job that runs, as the thread has noted it: a plugin that reaches the memory may write anything. */
export interface RunningJob {
  seq: number;
  /** Clock as in {@link sharedClock}. */
  startedAt: number;
  progressAt: number;
  /** Epoch ms. */
  startedEpoch: number;
  /** The text of its last beat; empty without one. */
  lastBeat: string;
  /** The thread has heard that the job's signal is to be aborted: its event loop turns. */
  hasHeard: boolean;
}

/** The thread begins a job in a free place. */
export function noteBegin({ running, times }: Shared, place: number, seq: number, at: number, epoch: number): void {
  const time = place * TIME.values;
  times[time + TIME.startedEpoch] = epoch;
  times[time + TIME.startedAt] = at;
  times[time + TIME.progressAt] = at;
  running[place * JOB.words + JOB.note] = 0;
  running[place * JOB.words + JOB.heard] = 0;
  Atomics.store(running, place * JOB.words + JOB.seq, seq);
}

/** The place is free again. */
export function noteEnd({ running }: Shared, place: number): void {
  Atomics.store(running, place * JOB.words + JOB.seq, 0);
}

/** A sign of progress of the place's job; `note`: the text of a beat. */
export function noteProgress({ running, times, notes }: Shared, place: number, at: number, note?: string): void {
  times[place * TIME.values + TIME.progressAt] = at;
  if (!note) return;
  const length = notes.write(note.slice(0, NOTE_BYTES), place * NOTE_BYTES, NOTE_BYTES);
  running[place * JOB.words + JOB.note] = length;
}

/** The thread has heard that the place's job is to be aborted. */
export function noteHeard({ running }: Shared, place: number): void {
  Atomics.store(running, place * JOB.words + JOB.heard, 1);
}

/** The jobs that run, in the order of their sequence numbers. */
export function runningJobs(shared: Shared): RunningJob[] {
  const { running, times, notes, places } = shared;
  const jobs: RunningJob[] = [];
  for (let place = 0; place < places; place++) {
    const seq = Atomics.load(running, place * JOB.words + JOB.seq);
    if (seq <= 0) continue;
    const [time, noteAt] = [place * TIME.values, place * NOTE_BYTES];
    const bytes = Math.min(NOTE_BYTES, Math.max(0, running[place * JOB.words + JOB.note]!));
    jobs.push({
      seq,
      startedAt: times[time + TIME.startedAt]!,
      progressAt: times[time + TIME.progressAt]!,
      startedEpoch: times[time + TIME.startedEpoch]!,
      lastBeat: notes.toString('utf8', noteAt, noteAt + bytes),
      hasHeard: Atomics.load(running, place * JOB.words + JOB.heard) === 1,
    });
  }
  return jobs.sort((a, b) => a.seq - b.seq);
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

/** Whether the job was handed over and nobody has taken it. */
export function isOffered(shared: Shared, seq: number): boolean {
  return Atomics.load(shared.tickets, seq % TICKETS) === word(seq, OFFERED);
}

/** The oldest of the jobs that run; 0 for none. */
export function currentOf({ running, places }: Shared): number {
  let oldest = 0;
  for (let place = 0; place < places; place++) {
    const seq = Atomics.load(running, place * JOB.words + JOB.seq);
    if (seq > 0 && (oldest === 0 || seq < oldest)) oldest = seq;
  }
  return oldest;
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
