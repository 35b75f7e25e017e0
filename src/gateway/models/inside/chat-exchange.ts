import type { ServerResponse } from 'node:http';
import type { Time } from '../../../kernel/time.ts';
import type { AnswerHead } from '../chain/chat-answer.ts';
import type { FittedRequest } from '../chain/fitted-request.ts';
import { createNdjsonReader } from '../chain/ndjson-reader.ts';
import { createSseReader } from '../chain/sse-reader.ts';
import type { StreamReader } from '../chain/stream-reader.ts';
import type { ClientCall } from './client-calls.ts';
import type { Upstream, UpstreamEnd } from './upstream.ts';
import type { Candidate } from './walk.ts';

/** An error is read up to this length. */
const ERROR_BYTES = 64 * 1024;
export const SUCCESS_BELOW = 300;

/** The answer of one request, as far as it was read. */
export interface ChatExchange {
  end: UpstreamEnd;
  status: number;
  headers: Readonly<Record<string, string>>;
  /** The body of an answer that is no stream of pieces. */
  body: string;
  reader: StreamReader | undefined;
  /** The time until the first token, or until the end. */
  ms: number;
}

/** Resolves when the client takes more, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/** The client of a call, and who it is. */
export interface ChatClient {
  call: ClientCall;
  /** null: nobody reads the answer. */
  response: ServerResponse | null;
}

interface ExchangeNeeds {
  time: Pick<Time, 'now' | 'monotonic'>;
  upstream: Upstream;
  keyOf(rung: string): string | undefined;
  headOf(candidate: Candidate): AnswerHead;
}

/** Sends requests for chat completions to rungs; a stream goes on to the client from its first token. */
export function createChatExchange(
  { call, response }: ChatClient,
  { time, upstream, keyOf, headOf }: ExchangeNeeds,
): (candidate: Candidate, fitted: FittedRequest) => Promise<ChatExchange> {
  async function exchange(candidate: Candidate, fitted: FittedRequest): Promise<ChatExchange> {
    const { rung } = candidate;
    const startedAt = time.monotonic();
    const parts: Buffer[] = [];
    const got: ChatExchange = { end: { is: 'ended' }, status: 0, headers: {}, body: '', reader: undefined, ms: 0 };
    let kept = 0;
    got.end = await upstream.send(
      {
        method: 'POST',
        url: `${rung.url}${fitted.path}`,
        key: keyOf(rung.name),
        body: JSON.stringify(fitted.body),
        // A whole answer has its first token at its end.
        timeoutMs: fitted.isStreamed ? rung.timeoutMs : rung.timeoutMs + rung.idleMs,
        idleMs: rung.idleMs,
        signal: call.signal,
      },
      {
        head(status, headers) {
          got.status = status;
          got.headers = headers;
          const isStream = fitted.isStreamed && status < SUCCESS_BELOW;
          if (isStream) got.reader = rung.kind === 'ollama' ? createNdjsonReader(headOf(candidate)) : createSseReader();
        },
        bytes(piece) {
          if (got.reader) return forward(candidate, got, piece, startedAt);
          kept += piece.length;
          if (got.status < SUCCESS_BELOW || kept <= ERROR_BYTES) parts.push(piece);
          return 'more';
        },
        full: () => (response?.writableNeedDrain ? drained(response) : undefined),
      },
    );
    got.body = Buffer.concat(parts).toString();
    got.ms ||= time.monotonic() - startedAt;
    return got;
  }

  /** Gives the client what may go on to it. */
  function forward(
    candidate: Candidate,
    got: ChatExchange,
    piece: Buffer,
    startedAt: number,
  ): 'token' | 'more' | 'over' {
    const { seen, take } = got.reader!;
    const out = take(piece);
    if (out.length === 0) return seen.isOver ? 'over' : 'more';
    if (response && !response.headersSent) {
      got.ms = time.monotonic() - startedAt;
      response.writeHead(200, { ...headersOf(candidate, call), 'content-type': 'text/event-stream; charset=utf-8' });
    }
    response?.write(out);
    return seen.isOver ? 'over' : 'token';
  }

  return exchange;
}

export function headersOf({ rung, model }: Candidate, call: ClientCall) {
  return { 'x-daruma-rung': rung.name, 'x-daruma-model': model.name, 'x-daruma-call': call.id };
}
