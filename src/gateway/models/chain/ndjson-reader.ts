import { type AnswerHead, finishOf, ollamaCall, parsedObject, usageIn } from './chat-answer.ts';
import { chunkEvent } from './chunks.ts';
import { createLineSplitter } from './lines.ts';
import { linesIn, MOST_HELD, MOST_STRANGE, nothingSeen, type StreamReader, verdictOnStream } from './stream-reader.ts';

type Plain = Record<string, unknown>;

const NOTHING = Buffer.alloc(0);
const THINK = '<think>';
const THINK_END = '</think>';

/** Reads the lines of Ollama's `/api/chat` and gives chunks of OpenAI's form. Thoughts become `reasoning`, also those between `<think>` and `</think>`. */
export function createNdjsonReader(head: AnswerHead): StreamReader {
  const seen = nothingSeen();
  const lines = createLineSplitter();
  const thoughts = createThoughtSplitter();
  let held = chunkEvent(head, { role: 'assistant', content: '' });
  let calls = 0;

  function take(bytes: Buffer): Buffer {
    if (seen.isOver) return NOTHING;
    let out = '';
    for (const line of linesIn(bytes, lines, seen)) if (!seen.isOver) out += takeLine(line.toString());
    return out === '' ? NOTHING : Buffer.from(out);
  }

  function takeLine(line: string): string {
    if (line.trim() === '') return '';
    const piece = parsedObject(line);
    if (piece === null || (piece.error === undefined && piece.message === undefined)) {
      if (seen.strange.length < MOST_STRANGE) seen.strange += `${line}\n`;
      if (seen.head !== null) fail(JSON.stringify({ error: 'a piece that is no JSON' }));
      return '';
    }
    if (piece.error !== undefined) {
      fail(line);
      return '';
    }
    seen.head = head;
    return takePiece(piece, piece.message as Plain);
  }

  function fail(error: string) {
    seen.error = error;
    seen.isOver = true;
  }

  function takePiece(piece: Plain, message: Plain): string {
    let { text, reasoning } = thoughts.take(typeof message.content === 'string' ? message.content : '');
    if (typeof message.thinking === 'string') reasoning += message.thinking;
    if (piece.done === true) text += thoughts.rest();
    if (text !== '' || reasoning !== '' || Array.isArray(message.tool_calls)) seen.pieces++;
    if (reasoning !== '') hold(chunkEvent(head, { reasoning }));
    let out = text === '' ? '' : give(chunkEvent(head, { content: text }));
    if (Array.isArray(message.tool_calls) && message.tool_calls.length > 0)
      out += give(chunkEvent(head, callsOf(message.tool_calls)));
    if (piece.done !== true) return out;
    seen.isOver = true;
    seen.usage = usageIn(piece);
    seen.finish = finishOf(piece.done_reason, calls > 0);
    return seen.hasStarted ? out + give(chunkEvent(head, {}, seen.finish)) : out;
  }

  function callsOf(list: unknown[]) {
    const given = list.map((call) => {
      const { id, name, arguments: text } = ollamaCall(call, `call_${head.id}_${calls}`);
      return { index: calls++, id, type: 'function', function: { name, arguments: text } };
    });
    return { tool_calls: given };
  }

  /** Thoughts wait for the first token, up to a bound. */
  function hold(event: string) {
    held += event;
    if (!seen.hasStarted && held.length > MOST_HELD) seen.hasStarted = true;
  }

  function give(event: string): string {
    seen.hasStarted = true;
    const all = held + event;
    held = '';
    return all;
  }

  return {
    take,
    seen,
    verdict(now) {
      if (!seen.isOver) {
        const rest = lines.rest().toString();
        if (seen.head === null && rest !== '') takeLine(rest);
      }
      return verdictOnStream(seen, now);
    },
  };
}

/** Parts `<think>…</think>` at the begin of a text from the rest, piece by piece. */
function createThoughtSplitter() {
  let state: 'start' | 'thinking' | 'thought' | 'text' = 'start';
  let kept = '';

  function take(piece: string): { text: string; reasoning: string } {
    if (state === 'text') return { text: piece, reasoning: '' };
    if (state === 'thought') return { text: open(piece.trimStart()), reasoning: '' };
    kept += piece;
    if (state === 'start') {
      const start = kept.trimStart();
      if (THINK.startsWith(start.slice(0, THINK.length)) && start.length < THINK.length)
        return { text: '', reasoning: '' };
      if (!start.startsWith(THINK)) return { text: open(kept), reasoning: '' };
      state = 'thinking';
      kept = start.slice(THINK.length);
    }
    const end = kept.indexOf(THINK_END);
    if (end === -1) return { text: '', reasoning: '' };
    const reasoning = kept.slice(0, end);
    return { text: open(kept.slice(end + THINK_END.length).trimStart()), reasoning };
  }

  /** The text begins; line ends between a thought and its text are left out. */
  function open(text: string): string {
    state = text === '' && state !== 'start' ? 'thought' : 'text';
    kept = '';
    return text;
  }

  /** The text that was kept because it could have been the begin of a thought. */
  function rest(): string {
    return state === 'start' ? open(kept) : '';
  }

  return { take, rest };
}
