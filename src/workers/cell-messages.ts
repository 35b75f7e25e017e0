import { BOUNDS } from '../kernel/bounds.ts';
import type { FrameBounds } from '../kernel/frames.ts';
import { LOG_LEVELS } from '../kernel/log.ts';
import { MB } from '../kernel/measures.ts';
import { isSeriesLabels, isSeriesName, OWN_SERIES } from '../kernel/own-series.ts';
import { SERIES_KINDS } from '../kernel/series.ts';
import {
  type Check,
  checkMessage,
  isAmount,
  isBoolean,
  isJsonText,
  listOf,
  mismatchOf,
  oneOf,
  orNone,
  orNull,
  type Shape,
  shapeOf,
  textUpTo,
  wholeWithin,
} from '../kernel/shape.ts';
import { type FromCell, LEFT_OVERS } from './wire.ts';

/** The number of the pipe between host and cell, on both sides. */
export const CHANNEL_FD = 3;
/** The number of the file of {@link StartedMarkers} in a cell. */
export const MARKERS_FD = 4;
/** Limits of messages from a cell: a command with an input of 8 MB is the longest message of a worker. */
export const FROM_CELL: FrameBounds = { bytes: 32 * MB, depth: 16, values: 200_000 };
/** Limits of messages from the host, which may send nested settings and answers of any size. */
export const TO_CELL: FrameBounds = { bytes: 256 * MB, depth: 2_000, values: 5_000_000 };

/** Texts of a log line: the worker cuts at 16 KB, and its data may grow when it is written as JSON. */
export const LINE_TEXT = 128 * 1024;
/** Texts of a fault: a stack of 16 KB with the lines of its sources. */
const FAULT_TEXT = 256 * 1024;
export const SUMMARY_TEXT = 64 * 1024 + 16;
const NAME_TEXT = 1_024;
/** More than a worker may hold. */
const MOST_JOBS = 4_096;
const MOST_LINES = 20_000;
const MOST_WORKERS = 10_000;

export const isSeq: Check = (value) => Number.isSafeInteger(value) && (value as number) > 0;
/** A time or a length as a worker reports it; the account rounds and bounds it. */
const isReported: Check = (value) => Number.isFinite(value);
export const isResult = orNull(textUpTo(BOUNDS.payload.most));
const text = textUpTo(FAULT_TEXT);
const name = textUpTo(NAME_TEXT);
const place = wholeWithin({ least: -1, most: Number.MAX_SAFE_INTEGER });

const FAULT = shapeOf({
  code: text,
  message: text,
  next: orNone(text),
  file: orNone(text),
  line: orNone(place),
  column: orNone(place),
  frame: orNone(text),
  stack: orNone(text),
  data: orNone((value) => typeof value === 'object' && value !== null),
});
const RUNNING = listOf(shapeOf({ seq: isSeq, startedAt: isReported, quietMs: isReported, lastBeat: name }), MOST_JOBS);
const CULPRITS = listOf(shapeOf({ seq: isSeq, why: FAULT }), MOST_JOBS);
const SITE = { name: text, file: orNull(text), line: orNull(place) };
const FOUND = orNull(
  shapeOf({
    at: isAmount,
    tookMs: isAmount,
    thread: orNone(text),
    hot: orNone(listOf(shapeOf({ ...SITE, share: isAmount }), 100)),
    heap: orNone(listOf(shapeOf({ ...SITE, bytes: isAmount }), 100)),
    memory: orNone(
      shapeOf({
        heapBytes: isAmount,
        externalBytes: isAmount,
        childrenBytes: isAmount,
        limitBytes: isAmount,
        perMinuteBytes: orNull(isReported),
      }),
    ),
    lastBeat: orNone(text),
  }),
);
const END: Shape = {
  seq: isSeq,
  startedAt: isReported,
  durationMs: isReported,
  summary: orNone(textUpTo(SUMMARY_TEXT)),
  is: oneOf(['done', 'failed']),
};
const DONE: Shape = { result: isResult };
const FAILED: Shape = { fault: FAULT, retry: (value) => isBoolean(value) || isReported(value) };
const READING: Shape = {
  worker: isSeq,
  heapBytes: orNull(isReported),
  externalBytes: orNull(isReported),
  cpu: orNull(isReported),
  loop: isReported,
  answers: isBoolean,
  running: RUNNING,
  pools: orNull(shapeOf({ held: isAmount, idle: isAmount, waiting: isAmount, max: isAmount, takenBack: isAmount })),
};
const LINE: Shape = {
  at: isReported,
  level: oneOf(LOG_LEVELS),
  job: name,
  message: textUpTo(LINE_TEXT),
  data: orNull((value) => textUpTo(LINE_TEXT)(value) && isJsonText(value as string)),
};
/** Packed values: a sketch has some hundred buckets at most. */
const SERIES: Shape = {
  name: isSeriesName,
  labels: isSeriesLabels,
  kind: oneOf(SERIES_KINDS),
  numbers: listOf(Number.isFinite as Check, 4_096),
};
/** The series of a message of a worker. */
export const isMeasured = listOf(shapeOf(SERIES), OWN_SERIES.series);
const FENCE: Shape = {
  fence: oneOf(['full', 'partial', 'node', 'none']),
  landlock: isAmount,
  seccomp: isBoolean,
  caps: name,
  tried: shapeOf(
    Object.fromEntries(
      ['files', 'network', 'unixSockets', 'signals', 'commands'].map((what) => [
        what,
        oneOf(['kernel', 'node', 'granted', 'open']),
      ]),
    ),
  ),
  missing: listOf(text, 10),
  tookMs: isAmount,
};
const ENDED = { because: FAULT, running: RUNNING, culprits: CULPRITS, found: FOUND };

const SHAPES: Readonly<Record<FromCell['say'], Shape>> = {
  fenced: { report: shapeOf(FENCE) },
  ready: { worker: isSeq },
  done: { worker: isSeq, flat: isFlat },
  ended: {
    worker: isSeq,
    end: (end) =>
      mismatchOf(end, END) === undefined &&
      mismatchOf(end, (end as { is: unknown }).is === 'done' ? DONE : FAILED) === undefined,
  },
  released: { worker: isSeq, seqs: listOf(isSeq, MOST_JOBS) },
  // The code that answers a call checks its arguments.
  call: { worker: isSeq, seq: isSeq, id: isSeq, call: shapeOf({ ask: name }) },
  lines: {
    parts: listOf(shapeOf({ worker: isSeq, lines: listOf(shapeOf(LINE), MOST_LINES) }), MOST_WORKERS),
  },
  measured: { worker: isSeq, series: isMeasured, beyond: orNull(isSeriesName) },
  'left-over': { worker: isSeq, is: oneOf(LEFT_OVERS), job: name, fault: FAULT },
  gone: { ...ENDED, worker: isSeq, because: orNull(FAULT) },
  unstoppable: { ...ENDED, worker: isSeq },
  readings: { rssBytes: isAmount, fds: orNull(isAmount), workers: listOf(shapeOf(READING), MOST_WORKERS) },
};

/** The messages of one frame of a cell. Throws for what is none, in words that name kind and field and repeat no value. */
export function readFromCell(frame: unknown): FromCell[] {
  if (!Array.isArray(frame)) throw new Error('a message that is no list');
  for (const message of frame) checkMessage(message, SHAPES);
  return frame as FromCell[];
}

/** Ends of jobs, four values each: sequence number, start, duration, result. By hand: nearly all messages are such ends. */
function isFlat(flat: unknown): boolean {
  if (!Array.isArray(flat) || flat.length % 4 !== 0 || flat.length > 4 * MOST_JOBS) return false;
  for (let at = 0; at < flat.length; at += 4) {
    if (!isSeq(flat[at]) || !isReported(flat[at + 1]) || !isReported(flat[at + 2]) || !isResult(flat[at + 3])) {
      return false;
    }
  }
  return true;
}
