import type { Duplex } from 'node:stream';
import { type PlainFault, toPlainFault } from './fault.ts';
import { MB } from './measures.ts';

/**
 * Messages between two processes over a pipe of Daruma's own: each is a frame of four bytes with the length of its body
 * (big-endian), and the body, JSON in UTF-8. Node's own channel throws in the process that listens, past every handler, when
 * the other side writes what it cannot read; here every byte is judged by the code below.
 */
const HEAD_BYTES = 4;
/** Messages of one turn that are longer than this together travel in several frames. */
const LONG_TEXT = MB;
/** A number of fewer digits and without an exponent is finite. */
const MANY_DIGITS = 300;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;

/** Limits of a message that a reader takes. A message beyond it is never parsed. */
export interface FrameBounds {
  /** Of one body. */
  bytes: number;
  /** Arrays and objects within one another. */
  depth: number;
  /** Members of all arrays and objects of one body together. */
  values: number;
}

interface FrameChannelNeeds {
  /** Called with each message, in order, parsed and of unknown shape. An error that it throws breaks the channel. */
  receive(message: unknown): void;
  /**
   * Called at most once: the other side wrote what is no message, or `receive` threw. The channel reads no more after that.
   */
  broken(why: PlainFault): void;
}

/** An end of a pipe that carries messages. */
interface FrameChannel {
  /** Sends messages as arrays, in one frame or several; `sent` is called when the pipe has taken them. Throws what `JSON.stringify` throws. */
  send(messages: readonly unknown[], sent?: (error?: Error | null) => void): void;
}

/** Makes a channel of a pipe, the host's `child.stdio[n]` or a child's `new Socket({ fd })`. Errors of the pipe end in its `close`. */
export function openFrameChannel(pipe: Duplex, needs: FrameChannelNeeds, bounds: FrameBounds): FrameChannel {
  const read = createFrameReader(needs.receive, bounds);
  pipe.on('error', () => {});
  pipe.on('data', take);

  function take(chunk: Buffer) {
    try {
      read(chunk);
    } catch (error) {
      pipe.off('data', take).resume();
      needs.broken(toPlainFault(error));
    }
  }

  return {
    send(messages, sent) {
      for (const frame of framesOf(messages)) pipe.write(frame, sent);
    },
  };
}

/** The frames of an array of messages, the body of each an array: one frame, or several where one would be long. */
export function framesOf(messages: readonly unknown[]): Buffer[] {
  const text = JSON.stringify(messages);
  if (text.length > LONG_TEXT && messages.length > 1) {
    const half = messages.length >> 1;
    return [...framesOf(messages.slice(0, half)), ...framesOf(messages.slice(half))];
  }
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
  frame.writeUInt32BE(length);
  frame.write(text, HEAD_BYTES);
  return [frame];
}

/**
 * Takes the chunks of a pipe in order, and calls `receive` with each message. Throws for bytes that are no message within the
 * bounds, without a word of their text, and passes on what `receive` throws; after that the pipe is of no more use.
 */
export function createFrameReader(receive: (message: unknown) => void, bounds: FrameBounds): (chunk: Buffer) => void {
  /** The beginning of a frame, in the chunks that it came in: a long frame is copied once, when it is whole. */
  let parts: Buffer[] = [];
  let kept = 0;
  /** Bytes that the next step needs: the head, or the head and the body. */
  let needed = HEAD_BYTES;

  /** Reads the frames that are whole; returns where the rest begins. */
  function readWhole(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      needed = HEAD_BYTES;
      if (bytes.length - at < needed) return at;
      const length = bytes.readUInt32BE(at);
      if (length > bounds.bytes) throw new Error(`a message of ${length} bytes; at most ${bounds.bytes}`);
      needed = HEAD_BYTES + length;
      if (bytes.length - at < needed) return at;
      const body = bytes.subarray(at + HEAD_BYTES, at + needed);
      at += needed;
      receive(messageIn(body, bounds));
    }
  }

  return (chunk) => {
    parts.push(chunk);
    kept += chunk.length;
    if (kept < needed) return;
    const bytes = parts.length === 1 ? chunk : Buffer.concat(parts, kept);
    const rest = bytes.subarray(readWhole(bytes));
    parts = rest.length > 0 ? [rest] : [];
    kept = rest.length;
  };
}

function messageIn(body: Buffer, bounds: FrameBounds): unknown {
  const problem = jsonProblem(body, bounds);
  if (problem) throw new Error(problem);
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new Error('a message that is no JSON');
  }
}

/**
 * Looks at a text of JSON before it is parsed: a short one can make many values, and a deep one fells those who walk through it.
 * Returns what is out of its bounds in words, or null.
 */
export function jsonProblem(
  body: Buffer,
  { depth, values, takesInfinity = false }: Omit<FrameBounds, 'bytes'> & { takesInfinity?: boolean },
): string | null {
  let open = 0;
  let count = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) at = endOfText(body, at);
    else if (byte === COMMA) count += 1;
    else if (isOpening(byte)) {
      count += 1;
      open += 1;
    } else if (isClosing(byte)) open -= 1;
    else if (byte === MINUS || isDigit(byte)) {
      const end = endOfNumber(body, at);
      if (!takesInfinity && !isFiniteNumber(body, at, end)) return 'a number that is not finite';
      at = end - 1;
    }
    if (open > depth) return `a message nested more than ${depth} deep`;
    if (count > values) return `a message of more than ${values} values`;
  }
  return null;
}

/** `[` or `{`. */
function isOpening(byte: number): boolean {
  return byte === 0x5b || byte === 0x7b;
}

/** `]` or `}`. */
function isClosing(byte: number): boolean {
  return byte === 0x5d || byte === 0x7d;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Where the quote is that closes the text which the quote at `from` opens. */
function endOfText(body: Buffer, from: number): number {
  let at = from + 1;
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
  return at;
}

function endOfNumber(body: Buffer, from: number): number {
  let at = from + 1;
  while (at < body.length && isOfNumber(body[at]!)) at += 1;
  return at;
}

/** A digit, a sign, a point, or the letter of an exponent. */
function isOfNumber(byte: number): boolean {
  return isDigit(byte) || byte === MINUS || byte === 0x2b || byte === 0x2e || isExponent(byte);
}

function isExponent(byte: number): boolean {
  return byte === 0x65 || byte === 0x45;
}

function isFiniteNumber(body: Buffer, from: number, to: number): boolean {
  let mayBeLarge = to - from > MANY_DIGITS;
  for (let at = from; at < to && !mayBeLarge; at++) mayBeLarge = isExponent(body[at]!);
  // The parser refuses text that is no number at all.
  return !mayBeLarge || Math.abs(Number(body.toString('latin1', from, to))) !== Number.POSITIVE_INFINITY;
}
