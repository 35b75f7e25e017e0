import { parsedObject, usageIn } from './chat-answer.ts';
import { createLineSplitter } from './lines.ts';
import { linesIn, MOST_HELD, MOST_STRANGE, nothingSeen, type StreamReader, verdictOnStream } from './stream-reader.ts';

type Plain = Record<string, unknown>;

const NOTHING = Buffer.alloc(0);
const DATA = Buffer.from('data:');
const DATA_HEAD = Buffer.from('data: ');
const EVENT_END = Buffer.from('\n\n');
const DONE = '[DONE]';
const SPACE = 0x20;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
const COLON = 0x3a;
const LF = 0x0a;
/** A piece without any of them is passed on unread. Within a text they stand behind a backslash. */
const READ_FOR = /"(?:usage|error)"|"finish_reason": ?"|\[DONE\]/;

/**
 * Reads a stream of server-sent events in OpenAI's form: LF or CRLF, comments, events that no blank line parts, `error`
 * events, usage of its own or of `x_groq`, with or without `[DONE]`.
 */
export function createSseReader(): StreamReader {
  const seen = nothingSeen();
  const lines = createLineSplitter();
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** The data of an event that is spread over lines. */
  let spread: Buffer[] = [];

  function take(bytes: Buffer): Buffer {
    if (seen.isOver) return NOTHING;
    if (seen.hasStarted && spread.length === 0 && lines.isAtStart && isPlain(bytes)) {
      seen.pieces++;
      return bytes;
    }
    const out: Buffer[] = [];
    for (const line of linesIn(bytes, lines, seen)) if (!seen.isOver) takeLine(line, out);
    return out.length === 0 ? NOTHING : out.length === 1 ? out[0]! : Buffer.concat(out);
  }

  function takeLine(line: Buffer, out: Buffer[]) {
    if (line.length === 0) {
      if (spread.length > 0) takeEvent(Buffer.concat(spread), out);
      spread = [];
    } else if (startsWith(line, DATA)) {
      const data = line.subarray(line[DATA.length] === SPACE ? DATA.length + 1 : DATA.length);
      const isWhole = (data[0] === BRACE && data.at(-1) === BRACE_END) || data.toString().trim() === DONE;
      if (spread.length === 0 && isWhole) takeEvent(data, out);
      else spread.push(data);
    } else if (line[0] !== COLON && seen.head === null && seen.strange.length < MOST_STRANGE && !isField(line))
      seen.strange += `${line.toString()}\n`;
  }

  function takeEvent(data: Buffer, out: Buffer[]) {
    if (seen.hasStarted && !READ_FOR.test(data.toString('latin1'))) {
      seen.pieces++;
      return give(data, out);
    }
    const text = data.toString();
    if (text.trim() === DONE) {
      seen.isOver = true;
      return;
    }
    const piece = parsedObject(text);
    if (piece === null || piece.error) {
      seen.error = piece === null ? JSON.stringify({ error: 'a piece that is no JSON' }) : text;
      seen.isOver = true;
      return;
    }
    takePiece(piece, data, out);
  }

  function takePiece(piece: Plain, data: Buffer, out: Buffer[]) {
    seen.head ??= headOf(piece);
    seen.usage = usageIn(piece) ?? seen.usage;
    const choice = (piece.choices as Plain[] | undefined)?.[0];
    if (choice === undefined) return;
    if (typeof choice.finish_reason === 'string') seen.finish = choice.finish_reason;
    const delta = choice.delta as Plain | undefined;
    if (hasToken(delta) || isText(delta?.reasoning ?? delta?.reasoning_content)) seen.pieces++;
    const { usage, ...rest } = piece;
    const given = usage ? Buffer.from(JSON.stringify(rest)) : data;
    if (seen.hasStarted) return give(given, out);
    held.push(given);
    heldBytes += given.length;
    if (!hasToken(delta) && heldBytes <= MOST_HELD) return;
    seen.hasStarted = true;
    for (const one of held) give(one, out);
    held = [];
  }

  return {
    take,
    seen,
    verdict(now) {
      if (!seen.isOver) {
        const rest = lines.rest();
        if (rest.length > 0 && !startsWith(rest, DATA)) takeLine(rest, []);
      }
      return verdictOnStream(seen, now);
    },
  };
}

function give(data: Buffer, out: Buffer[]) {
  out.push(DATA_HEAD, data, EVENT_END);
}

/** Whether bytes are whole events with nothing in them that the gateway has to read. */
function isPlain(bytes: Buffer): boolean {
  const last = bytes.length - 1;
  if (bytes[last] !== LF || bytes[last - 1] !== LF) return false;
  const text = bytes.toString('latin1');
  return text.startsWith('data:') && !READ_FOR.test(text) && !text.includes('\r') && !text.includes('\nevent:');
}

function startsWith(line: Buffer, start: Buffer): boolean {
  return line.length >= start.length && line.compare(start, 0, start.length, 0, start.length) === 0;
}

const isField = (line: Buffer) => /^(event|id|retry):/.test(line.subarray(0, 8).toString());

function hasToken(delta: Plain | undefined): boolean {
  if (!delta) return false;
  const { content, refusal, tool_calls: calls } = delta;
  return isText(content) || isText(refusal) || (Array.isArray(calls) && calls.length > 0);
}

const isText = (value: unknown) => typeof value === 'string' && value !== '';

function headOf({ id, created, model }: Plain) {
  return { id: `${id ?? ''}`, created: Number(created) || 0, model: `${model ?? ''}` };
}
