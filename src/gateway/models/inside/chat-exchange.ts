import type { ServerResponse } from 'node:http';
import type { Time } from '../../../kernel/time.ts';
import type { AnswerHead } from '../chain/chat-answer.ts';
import { type AnswerCollector, createAnswerCollector } from '../chain/collect-answer.ts';
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
/** An answer that is not streamed has its first token at its end: the wait for it grows by this much for each token. */
const WHOLE_TOKEN_MS = 5;

/** The answer of one request, as far as it was read. */
export interface ChatExchange {
  end: UpstreamEnd;
  status: number;
  headers: Readonly<Record<string, string>>;
  /** The body of an answer that is no stream of pieces. */
  body: string;
  reader: StreamReader | undefined;
  /** Of a stream whose client wants it whole. */
  collector: AnswerCollector;
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

interface ExchangeTerms {
  wantsStream: boolean;
  /** The most tokens of the answer. */
  maxTokens: number;
}

interface ExchangeNeeds {
  time: Pick<Time, 'now' | 'monotonic'>;
  upstream: Upstream;
  keyOf(rung: string): string | undefined;
  headOf(candidate: Candidate): AnswerHead;
}

/**
 * Sends requests for chat completions to rungs. A stream goes on to a client that wants one from its first token; for others it
 * is put together.
 */
export function createChatExchange(
  { call, response }: ChatClient,
  { wantsStream, maxTokens }: ExchangeTerms,
  { time, upstream, keyOf, headOf }: ExchangeNeeds,
): (candidate: Candidate, fitted: FittedRequest) => Promise<ChatExchange> {
  async function exchange(candidate: Candidate, fitted: FittedRequest): Promise<ChatExchange> {
    const { rung } = candidate;
    const startedAt = time.monotonic();
    const parts: Buffer[] = [];
    const got = nothingRead();
    let kept = 0;
    got.end = await upstream.send(
      {
        method: 'POST',
        url: `${rung.url}${fitted.path}`,
        key: keyOf(rung.name),
        body: JSON.stringify(fitted.body),
        timeoutMs: fitted.isStreamed ? rung.timeoutMs : rung.timeoutMs + maxTokens * WHOLE_TOKEN_MS,
        idleMs: rung.idleMs,
        signal: call.signal,
      },
      {
        head(status, headers) {
          got.status = status;
          got.headers = headers;
          // A server that ignores `stream` gives a whole answer.
          const isWhole = rung.kind === 'openai' && headers['content-type']?.startsWith('application/json');
          if (fitted.isStreamed && status < SUCCESS_BELOW && !isWhole)
            got.reader = rung.kind === 'ollama' ? createNdjsonReader(headOf(candidate)) : createSseReader();
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
    const before = seen.pieces;
    const out = take(piece);
    if (seen.hasStarted) got.ms ||= time.monotonic() - startedAt;
    if (!wantsStream) got.collector.take(out);
    else if (out.length > 0) write(candidate, out);
    if (seen.isOver) return 'over';
    return seen.pieces > before ? 'token' : 'more';
  }

  function write(candidate: Candidate, out: Buffer) {
    if (response && !response.headersSent)
      response.writeHead(200, { ...headersOf(candidate, call), 'content-type': 'text/event-stream; charset=utf-8' });
    response?.write(out);
  }

  return exchange;
}

function nothingRead(): ChatExchange {
  const collector = createAnswerCollector();
  return { end: { is: 'ended' }, status: 0, headers: {}, body: '', reader: undefined, collector, ms: 0 };
}

export function headersOf({ rung, model }: Candidate, call: ClientCall) {
  return { 'x-daruma-rung': rung.name, 'x-daruma-model': model.name, 'x-daruma-call': call.id };
}
