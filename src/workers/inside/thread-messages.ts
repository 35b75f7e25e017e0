import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import { isSeriesName, type MeasuredSeries, type Measures } from '../../kernel/own-series.ts';
import { isJsonText, isShallow } from '../../kernel/shape.ts';
import { isMeasured, isResult, isSeq, LINE_TEXT, SUMMARY_TEXT } from '../cell-messages.ts';
import {
  type BareCall,
  type FromWorkerThread,
  LEFT_OVERS,
  type RunEnd,
  type ThreadLine,
  type Thrown,
} from '../wire.ts';

/** Lines of one message; a worker writes 5,000 at once. */
const MOST_LINES = 10_000;
const NAME_TEXT = 1_024;
const FAULT_TEXT = 16 * 1024;
const DATA_TEXT = 16 * 1024;
const CALL_LEVELS = 5;

type Parts = Record<string, unknown>;

/**
 * A message of a worker's thread as its cell believes it: what is named here, copied, and nothing else. Throws for what no
 * worker says; then a plugin has written to the thread's port. A time that its clock got wrong becomes `now` (epoch ms).
 */
export function readFromThread(message: unknown, now: number): FromWorkerThread {
  if (message === null) return null;
  const parts = partsOf(message, 'a message');
  switch (parts.say) {
    case 'ready':
    case 'unmarked':
      return { say: parts.say };
    case 'unfit':
      return { say: 'unfit', thrown: thrownIn(parts.thrown) };
    case 'crashed':
      return { say: 'crashed', seq: seqOrNull(parts.seq), thrown: thrownIn(parts.thrown) };
    case 'exit': {
      const { code, seq, thrown } = parts;
      return { say: 'exit', code: wholeOr(code, 0), seq: seqOrNull(seq), thrown: thrownIn(thrown) };
    }
    case 'left-over': {
      const is = LEFT_OVERS.find((one) => one === parts.is);
      if (!is) throw wrong('left-over', 'is');
      return { say: 'left-over', is, job: textOf(parts.job, 'job', NAME_TEXT), thrown: thrownIn(parts.thrown) };
    }
    case 'ended':
      return endedIn(parts, now);
    case 'call':
      return { say: 'call', seq: seqOf(parts.seq, 'seq'), id: seqOf(parts.id, 'id'), call: callIn(parts.call) };
    case 'lines':
      return { say: 'lines', lines: linesIn(parts.lines, now) };
    case 'measured':
      return { say: 'measured', ...measuresIn(parts) };
    default:
      throw new Error('a message of an unknown kind');
  }
}

function endedIn(parts: Parts, now: number): FromWorkerThread {
  const { seq, startedAt, durationMs, summary } = parts;
  return {
    say: 'ended',
    seq: seqOf(seq, 'seq'),
    startedAt: numberOr(startedAt, now, 'startedAt'),
    durationMs: numberOr(durationMs, 0, 'durationMs'),
    ...(summary === undefined ? {} : { summary: textOf(summary, 'summary', SUMMARY_TEXT) }),
    end: runEndIn(partsOf(parts.end, 'end')),
  };
}

function runEndIn({ is, result, thrown, retry }: Parts): RunEnd {
  if (is === 'done' && isResult(result)) return { is, result: result as string | null };
  if (is !== 'failed') throw wrong('ended', 'end');
  const isPause = typeof retry === 'number' && Number.isFinite(retry);
  return { is, thrown: thrownIn(thrown), retry: isPause || retry === false ? retry : true };
}

function linesIn(lines: unknown, now: number): ThreadLine[] {
  if (!Array.isArray(lines) || lines.length > MOST_LINES) throw wrong('lines', 'lines');
  return lines.map((line: unknown) => {
    const { at, level, job, message, data } = partsOf(line, 'a line');
    if (!LOG_LEVELS.includes(level as LogLevel)) throw wrong('lines', 'level');
    return {
      at: numberOr(at, now, 'at'),
      level: level as LogLevel,
      job: textOf(job, 'job', NAME_TEXT),
      message: textOf(message, 'message', LINE_TEXT),
      data: data === null ? null : jsonOf(data),
    };
  });
}

function measuresIn({ series, beyond }: Parts): Measures {
  const isBeyond = beyond === null || isSeriesName(beyond);
  if (!isBeyond || !isMeasured(series)) throw wrong('measured', 'series');
  return {
    beyond: beyond as string | null,
    series: (series as MeasuredSeries[]).map(({ name, labels, kind, numbers }) => {
      return { name, labels, kind, numbers: [...numbers] };
    }),
  };
}

function jsonOf(data: unknown): string {
  const text = textOf(data, 'data', LINE_TEXT);
  if (!isJsonText(text)) throw wrong('lines', 'data');
  return text;
}

/** A fault of the thread; texts that are too long are cut, for a plugin makes most of them. */
function thrownIn(value: unknown): Thrown {
  const { code, message, next, file, line, column, frame, stack, data, placedAt, isFinal } = partsOf(value, 'a fault');
  const thrown: Thrown = { code: cutText(code, 'code'), message: cutText(message, 'message') };
  if (next !== undefined) thrown.next = cutText(next, 'next');
  if (file !== undefined) thrown.file = cutText(file, 'file');
  if (line !== undefined) thrown.line = wholeOr(line, 0);
  if (column !== undefined) thrown.column = wholeOr(column, 0);
  if (frame !== undefined) thrown.frame = cutText(frame, 'frame');
  if (stack !== undefined) thrown.stack = cutText(stack, 'stack');
  if (data !== undefined) {
    const kept = dataIn(data);
    if (kept) thrown.data = kept;
  }
  if (placedAt === 'run') thrown.placedAt = placedAt;
  if (isFinal === true) thrown.isFinal = isFinal;
  return thrown;
}

/** The value as JSON text; undefined where JSON has no form for it, or a long one. */
function dataIn(data: unknown): Record<string, unknown> | undefined {
  try {
    const text = JSON.stringify(data);
    const plain: unknown = JSON.parse(text);
    const isKept =
      typeof plain === 'object' && plain !== null && text.length <= DATA_TEXT && isShallow(plain, CALL_LEVELS);
    return isKept ? (plain as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The call as plain data. Which calls there are, and what their values may be, is known to those who answer. */
function callIn(value: unknown): BareCall {
  const { ask } = partsOf(value, 'a call');
  textOf(ask, 'ask', NAME_TEXT);
  return plainIn(value, CALL_LEVELS) as BareCall;
}

function plainIn(value: unknown, levels: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value !== 'object' || levels === 0) throw wrong('call', 'call');
  if (Array.isArray(value)) return value.map((part) => plainIn(part, levels - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) throw wrong('call', 'call');
  const copy: [string, unknown][] = [];
  for (const [key, part] of Object.entries(value)) {
    if (part !== undefined) copy.push([key, plainIn(part, levels - 1)]);
  }
  return Object.fromEntries(copy);
}

function partsOf(value: unknown, what: string): Parts {
  if (typeof value !== 'object' || value === null) throw new Error(`${what} that is no object`);
  return value as Parts;
}

function seqOf(value: unknown, field: string): number {
  if (!isSeq(value)) throw wrong('message', field);
  return value as number;
}

function seqOrNull(value: unknown): number | null {
  return isSeq(value) ? (value as number) : null;
}

function numberOr(value: unknown, instead: number, field: string): number {
  if (typeof value !== 'number') throw wrong('message', field);
  return Number.isFinite(value) ? value : instead;
}

function wholeOr(value: unknown, instead: number): number {
  return Number.isSafeInteger(value) ? (value as number) : instead;
}

function textOf(value: unknown, field: string, longest: number): string {
  if (typeof value !== 'string' || value.length > longest) throw wrong('message', field);
  return value;
}

function cutText(value: unknown, field: string): string {
  if (typeof value !== 'string') throw wrong('fault', field);
  return value.length > FAULT_TEXT + 1 ? `${value.slice(0, FAULT_TEXT)}…` : value;
}

function wrong(kind: string, field: string): Error {
  return new Error(`a ${kind} whose ${field} is out of its bounds`);
}
