import type { RungVerdict, TokenUsage } from '../ports.ts';
import type { AnswerHead } from './chat-answer.ts';
import { classify, classifyStreamError } from './classify.ts';
import { type LineSplitter, LONGEST_PIECE } from './lines.ts';

/**
 * Reads the stream of a rung, and gives what goes on to the caller, in OpenAI's form. Nothing is given before the first
 * token: until then the next rung can still take over. Thoughts of a model are no token; they are held back and given with
 * it. Usage and `[DONE]` are never given: the gateway writes them when the call is settled.
 */
export interface StreamReader {
  /** The bytes that go on to the caller now; empty: nothing. */
  take(bytes: Buffer): Buffer;
  readonly seen: StreamSeen;
  /** The verdict on a stream that is over: its connection has ended, or `seen.isOver`. `now`: epoch ms. */
  verdict(now: number): RungVerdict;
}

/** The facts that a stream has brought so far. */
export interface StreamSeen {
  /** Something was given to the caller. */
  hasStarted: boolean;
  /** Pieces with a token, or with a thought: the signs that the model is at work. */
  pieces: number;
  /** No more is to come: its last event or an error was read. */
  isOver: boolean;
  finish: string | null;
  usage: TokenUsage | null;
  head: AnswerHead | null;
  /** An error instead of a piece, as it came; null: none. */
  error: string | null;
  /** Bytes that are no piece of a stream at all, at most 64 KB: a page, an error with the status of success. */
  strange: string;
}

/** Thoughts of a model are held back up to this many bytes. */
export const MOST_HELD = 262_144;
/** Of bytes that are no stream so many are kept. */
export const MOST_STRANGE = 65_536;

export function nothingSeen(): StreamSeen {
  return {
    hasStarted: false,
    pieces: 0,
    isOver: false,
    finish: null,
    usage: null,
    head: null,
    error: null,
    strange: '',
  };
}

/** The lines that the bytes bring to their end. A line without an end fails the stream: nothing is read of it any more. */
export function linesIn(bytes: Buffer, lines: LineSplitter, seen: StreamSeen): readonly Buffer[] {
  const whole = lines.take(bytes);
  if (whole !== 'too long') return whole;
  seen.error = JSON.stringify({ error: { message: `a line of more than ${LONGEST_PIECE} bytes`, type: 'bad_stream' } });
  seen.isOver = true;
  return [];
}

export function verdictOnStream(seen: StreamSeen, now: number): RungVerdict {
  if (seen.error !== null) return classifyStreamError(seen.error, now);
  if (seen.hasStarted)
    return seen.finish !== null ? { is: 'good' } : { is: 'next', why: 'a stream that was cut off', counts: true };
  if (seen.finish === 'length') return { is: 'unusable', why: 'cut off by its length before it said anything' };
  if (seen.finish !== null) return { is: 'unusable', why: 'an empty answer' };
  const { strange } = seen;
  if (strange.trimStart().startsWith('{') && strange.includes('"error"')) return classifyStreamError(strange, now);
  if (strange !== '' || seen.head === null) {
    const body = classify({ is: 'answered', status: 200, headers: {}, body: strange }, now);
    if (body.is !== 'good') return body;
  }
  return { is: 'next', why: 'a stream that was cut off before its first token', counts: true };
}
