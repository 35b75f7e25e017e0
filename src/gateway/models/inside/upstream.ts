import { type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { MB } from '../../../kernel/measures.ts';
import type { Time } from '../../../kernel/time.ts';
import { formatDuration } from '../../../kernel/units.ts';

/** A request to a provider. */
interface UpstreamRequest {
  method: 'GET' | 'POST';
  url: string;
  key: string | undefined;
  /** JSON; undefined: none. */
  body: string | undefined;
  /** The longest wait until `bytes` first says that a token came, in ms. */
  timeoutMs: number;
  /** The longest wait between two tokens, in ms. */
  idleMs: number;
  /** Aborted when nobody waits for the answer any more: the connection is closed at once. */
  signal: AbortSignal;
}

interface UpstreamCalls {
  head(status: number, headers: Readonly<Record<string, string>>): void;
  /** Gets the body in pieces. `token`: a token came, and the wait for the next begins · `over`: no more is to come. */
  bytes(piece: Buffer): 'token' | 'more' | 'over';
  /** A client that takes no more now; the answer is read on when it resolves. */
  full?(): Promise<void> | undefined;
}

/**
 * The end of a request. `isSent`: the provider may have had all of the request, and may bill for it.
 */
export type UpstreamEnd =
  | { is: 'ended' }
  | { is: 'failed'; how: 'connect' | 'timeout' | 'cut' | 'aborted'; what: string; isSent: boolean };

/** Sends requests over connections that stay open between them. */
export interface Upstream {
  send(request: UpstreamRequest, calls: UpstreamCalls): Promise<UpstreamEnd>;
}

const HEADER_BYTES = 32 * 1024;
/** After its last event a server has this long to end its answer, in ms. */
const LINGER_MS = 500;
const KEPT_SOCKETS = 32;
/** An answer is longer than that: it is cut. */
const ANSWER_BYTES = 32 * MB;
const POOL = { keepAlive: true, maxFreeSockets: KEPT_SOCKETS, maxSockets: 256, timeout: 60_000 };

export function createUpstream(time: Pick<Time, 'after'>): Upstream {
  const plain = new PlainAgent(POOL);
  const secure = new SecureAgent(POOL);

  function open({ method, url, key, body }: UpstreamRequest): ClientRequest {
    const to = new URL(url);
    const headers: Record<string, string | number> = { accept: 'application/json, text/event-stream' };
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(body);
    }
    if (key !== undefined) headers.authorization = `Bearer ${key}`;
    const options = { method, headers, maxHeaderSize: HEADER_BYTES };
    return to.protocol === 'https:'
      ? secureRequest(to, { ...options, agent: secure })
      : plainRequest(to, { ...options, agent: plain });
  }

  return { send: (asked, calls) => createExchange(asked, calls, { time, open }).send() };
}

interface ExchangeNeeds {
  time: Pick<Time, 'after'>;
  open(request: UpstreamRequest): ClientRequest;
}

/** A request to a provider, which settles once: with its end, or why there is none. */
function createExchange(asked: UpstreamRequest, calls: UpstreamCalls, { time, open }: ExchangeNeeds) {
  const { promise, resolve } = Promise.withResolvers<UpstreamEnd>();
  let isSent = false;
  let isRetried = false;
  let isSettled = false;
  let hasHead = false;
  let request: ClientRequest;
  let stopClock = () => {};
  const wait = (ms: number, what: string) => {
    stopClock();
    if (isSettled) return;
    stopClock = time.after(ms, () => fail('timeout', `${what} within ${formatDuration(ms)}`));
  };
  const aborted = () => fail('aborted', 'nobody waits for it any more');

  function settle(end: UpstreamEnd) {
    isSettled = true;
    stopClock();
    asked.signal.removeEventListener('abort', aborted);
    resolve(end);
  }

  function fail(how: Extract<UpstreamEnd, { is: 'failed' }>['how'], what: string) {
    if (isSettled) return;
    settle({ is: 'failed', how, what, isSent });
    request.destroy();
  }

  function receive(response: IncomingMessage) {
    let length = 0;
    hasHead = true;
    calls.head(response.statusCode ?? 0, plainHeaders(response));
    response.on('data', (part: Buffer) => {
      length += part.length;
      if (length > ANSWER_BYTES) return fail('cut', `an answer longer than ${ANSWER_BYTES / MB} MB`);
      const got = calls.bytes(part);
      if (got === 'over') return over(response);
      const full = calls.full?.();
      if (full) hold(response, full);
      else if (got === 'token') wait(asked.idleMs, 'no token');
    });
    response.on('end', () => settle({ is: 'ended' }));
    response.on('error', () => fail('cut', 'the connection broke in the middle of the answer'));
    response.on('close', () => fail('cut', 'the connection broke in the middle of the answer'));
  }

  /** The connection is used again when the server ends its answer soon, too. */
  function over(response: IncomingMessage) {
    settle({ is: 'ended' });
    const stop = time.after(LINGER_MS, () => request.destroy());
    response.once('close', stop);
  }

  /** A client that reads slowly is no server that is silent. */
  function hold(response: IncomingMessage, full: Promise<void>) {
    stopClock();
    response.pause();
    void full.then(() => {
      response.resume();
      wait(asked.idleMs, 'no token');
    });
  }

  function begin() {
    const begun = open(asked);
    begun.on('response', receive);
    begun.on('finish', () => {
      isSent = true;
    });
    begun.on('error', (error: NodeJS.ErrnoException) => broken(begun, error));
    begun.end(asked.body);
    return begun;
  }

  function broken(begun: ClientRequest, error: NodeJS.ErrnoException) {
    // The end that it was given itself, after a timeout or an abort: to send it once more would be paid twice.
    if (isSettled) return;
    // The server closed a kept connection just when it was used again: nobody has seen the request.
    if (begun.reusedSocket && error.code === 'ECONNRESET' && !hasHead && !isRetried && !asked.signal.aborted) {
      isRetried = true;
      isSent = false;
      request = begin();
      return;
    }
    const isReset = isSent && error.code !== 'ECONNREFUSED';
    fail(isReset ? 'cut' : 'connect', error.message || String(error.code));
  }

  return {
    send(): Promise<UpstreamEnd> {
      request = begin();
      asked.signal.addEventListener('abort', aborted, { once: true });
      wait(asked.timeoutMs, 'no token');
      if (asked.signal.aborted) aborted();
      return promise;
    },
  };
}

function plainHeaders({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (typeof value === 'string') found[name] = value;
  return found;
}
