import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AskedChat, Said } from './answer.ts';
import { type FaultName, faultNamed, type ModelFault, type Provider } from './faults.ts';

/** One request as it came in. */
export interface AskedCall {
  /** Epoch ms. */
  at: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined without any. */
  body: AskedChat | undefined;
  fault: FaultName | ModelFault | undefined;
  /** Settles when the answer is over, or the client has closed the connection before. */
  closed: Promise<{ by: 'client' | 'server'; at: number }>;
}

/** A local server of a provider's shape. Calls of chat are answered by its script; other paths always well. */
export interface ModelServer {
  provider: Provider;
  /** As `url` of a rung names it. */
  url: string;
  port: number;
  /** The newest requests, oldest first, at most `keep`. */
  asked: AskedCall[];
  /** The chat requests among them. */
  chats(): AskedCall[];
  /** How many chat requests came in all, and how many tokens were billed for good answers. */
  totals: { chats: number; promptTokens: number; completionTokens: number; answered: number };
  /** The models that it lists; calls of others end as on the real one. */
  models: string[];
  /** The text of a plain answer, or what makes one. */
  text: string | ((chat: AskedChat) => string | Partial<Said>);
  /** Faults of the next chat requests, in order; null is a good answer. */
  next(...faults: (FaultName | ModelFault | null)[]): void;
  /** The fault of every chat request without one of its own; null: none. */
  always(fault: FaultName | ModelFault | null): void;
  /** Faults of the next requests for embeddings, each an answer with a status; null is a good answer. */
  nextEmbeddings(...faults: (FaultName | null)[]): void;
  /** Settles when so many chat requests in all have come in. */
  whenAsked(count: number): Promise<AskedCall>;
  /** Pause between the pieces of a stream, in ms. */
  pieceMs: number;
  stop(): Promise<void>;
}

/** What the shape of a provider adds. */
export interface Shape {
  provider: Provider;
  /** The path below which its API lies, without a slash at its end. */
  base: string;
  models: string[];
  /** Whether a path is one of chat. */
  isChat(path: string): boolean;
  /** The fault that the real server would find in this request; undefined: none. */
  refuse(call: AskedCall, server: ModelServer): ModelFault | undefined;
  said(call: AskedCall, server: ModelServer): Said;
  /** The body of a whole answer. */
  whole(chat: AskedChat, said: Said, usage: boolean): unknown;
  /** The pieces of a streamed answer, each as it goes over the wire; the last two are the finish and what ends it. */
  pieces(chat: AskedChat, said: Said, usage: boolean): string[];
  /** An error inside of a stream. */
  errorPiece: string;
  streamType: string;
  headers(said: Said): Record<string, string>;
  /** Answers of other paths; undefined: 404. */
  other(call: AskedCall, server: ModelServer): unknown;
}

export interface ServerOptions {
  /** 0: a free one. */
  port?: number;
  /** How many requests `asked` keeps (default 1,000). */
  keep?: number;
}

const SLOW_MS = 100;

/** Starts a server of `shape` on loopback. `stop()` ends all of its connections. */
export async function startModelServer(shape: Shape, options: ServerOptions = {}): Promise<ModelServer> {
  const script: (FaultName | ModelFault | null)[] = [];
  const embeddingFaults: (FaultName | null)[] = [];
  let standing: FaultName | ModelFault | null = null;
  const waiting: { count: number; resolve: (call: AskedCall) => void }[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const server: ModelServer = {
    provider: shape.provider,
    url: '',
    port: 0,
    asked: [],
    chats: () => server.asked.filter(({ path }) => shape.isChat(path)),
    totals: { chats: 0, promptTokens: 0, completionTokens: 0, answered: 0 },
    models: [...shape.models],
    text: 'A good answer in a few words.',
    next: (...faults) => void script.push(...faults),
    always: (fault) => {
      standing = fault;
    },
    nextEmbeddings: (...faults) => void embeddingFaults.push(...faults),
    whenAsked: (count) =>
      new Promise((resolve) => {
        if (server.totals.chats >= count) resolve(server.chats().at(-1)!);
        else waiting.push({ count, resolve });
      }),
    pieceMs: 0,
    stop: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };

  function later(ms: number, run: () => void) {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  }

  function answerChat(call: AskedCall, response: ServerResponse) {
    server.totals.chats++;
    call.fault = (script.length > 0 ? script.shift() : standing) ?? undefined;
    for (const one of waiting.filter(({ count }) => count <= server.totals.chats)) {
      waiting.splice(waiting.indexOf(one), 1);
      one.resolve(call);
    }
    const named = typeof call.fault === 'string' ? faultNamed(call.fault, shape.provider, Date.now()) : call.fault;
    // A real server looks at the request before anything can go wrong on its way; a fault that is an answer comes first.
    const fault = named && 'status' in named ? named : (shape.refuse(call, server) ?? named);
    if (!fault) return sayWell(call, response);
    if ('status' in fault) return sendStatus(response, fault);
    act(call, response, fault);
  }

  function act(call: AskedCall, response: ServerResponse, fault: Exclude<ModelFault, { status: number }>) {
    switch (fault.does) {
      case 'hang':
        return;
      case 'reset':
        return void response.socket?.resetAndDestroy();
      case 'slow':
        return drip(response);
      case 'answer':
        return sayWell(call, response, {
          said: { ...shape.said(call, server), ...lied(fault) },
          usage: fault.usage !== null,
        });
      default:
        return sayPart(call, response, fault);
    }
  }

  /** A head and a body of which one byte comes at a time: never silent, never done. */
  function drip(response: ServerResponse) {
    const socket = response.socket!;
    const bytes = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-slow: ${'x'.repeat(100_000)}`;
    const one = (at: number) => {
      if (socket.destroyed) return;
      socket.write(bytes[at]!);
      later(SLOW_MS, () => one(at + 1));
    };
    one(0);
  }

  function sayWell(
    call: AskedCall,
    response: ServerResponse,
    { said, usage }: { said: Said; usage: boolean } = { said: shape.said(call, server), usage: true },
  ) {
    const chat = call.body!;
    server.totals.answered++;
    server.totals.promptTokens += said.promptTokens;
    server.totals.completionTokens += said.completionTokens;
    if (!isStreamed(chat))
      return sendStatus(response, { status: 200, headers: shape.headers(said), body: shape.whole(chat, said, usage) });
    response.writeHead(200, { 'content-type': shape.streamType, ...shape.headers(said) });
    const pieces = shape.pieces(chat, said, usage);
    if (server.pieceMs === 0) return void response.end(pieces.join(''));
    const one = (at: number) => {
      if (response.destroyed) return;
      if (at === pieces.length) return void response.end();
      response.write(pieces[at]!);
      later(server.pieceMs, () => one(at + 1));
    };
    one(0);
  }

  /** A part of a stream, and then the fault. An answer that is no stream loses its second half. */
  function sayPart(
    call: AskedCall,
    response: ServerResponse,
    fault: { does: 'cut' | 'end' | 'stall' | 'error'; after: number },
  ) {
    const said = shape.said(call, server);
    const isStream = isStreamed(call.body!);
    if (!isStream && fault.does === 'error')
      return sendStatus(response, faultNamed('500', shape.provider, 0) as Status);
    response.writeHead(200, {
      'content-type': isStream ? shape.streamType : 'application/json',
      ...shape.headers(said),
    });
    response.flushHeaders();
    const whole = JSON.stringify(shape.whole(call.body!, said, true));
    const part = isStream
      ? shape.pieces(call.body!, said, true).slice(0, fault.after).join('')
      : whole.slice(0, fault.after === 0 ? 0 : whole.length / 2);
    response.write(`${part}${fault.does === 'error' ? shape.errorPiece : ''}`, () => {
      if (fault.does === 'cut') response.socket?.destroy();
      else if (fault.does !== 'stall') response.end();
    });
  }

  const isStreamed = (chat: AskedChat) => chat.stream ?? shape.provider === 'ollama';

  const http = createServer(async (request, response) => {
    const call = await readCall(request, response);
    server.asked.push(call);
    if (server.asked.length > (options.keep ?? 1_000)) server.asked.shift();
    const path = call.path.startsWith(shape.base) ? call.path.slice(shape.base.length) : '';
    if (request.method === 'POST' && shape.isChat(call.path)) return answerChat(call, response);
    if (request.method === 'POST' && call.path === '/test/script') {
      const { next = [], always } = call.body as unknown as { next?: FaultName[]; always?: FaultName | null };
      server.next(...next);
      if (always !== undefined) server.always(always);
      return void response.end('{}');
    }
    const fault = /\/embed(dings)?$/.test(path) ? embeddingFaults.shift() : null;
    if (fault) return sendStatus(response, faultNamed(fault, shape.provider, Date.now()) as Status);
    const body = path === '' ? undefined : shape.other(call, server);
    sendStatus(response, body === undefined ? { status: 404, body: { error: 'not found' } } : { status: 200, body });
  });
  http.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve));
  server.port = (http.address() as AddressInfo).port;
  server.url = `http://127.0.0.1:${server.port}${shape.base}`;
  return server;
}

type Status = { status: number; headers?: Record<string, string>; body: unknown };

function sendStatus(response: ServerResponse, { status, headers, body }: Status) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

function lied(fault: Extract<ModelFault, { does: 'answer' }>): Partial<Said> {
  const { text, reasoning, finish, usage } = fault;
  return {
    ...(text !== undefined ? { text, toolCalls: [], finish: 'stop' } : {}),
    ...(reasoning !== undefined ? { reasoning } : {}),
    ...(finish !== undefined ? { finish } : {}),
    ...(usage ? { promptTokens: usage.prompt, completionTokens: usage.completion } : {}),
  };
}

async function readCall(request: IncomingMessage, response: ServerResponse): Promise<AskedCall> {
  const at = Date.now();
  const closed = new Promise<{ by: 'client' | 'server'; at: number }>((resolve) => {
    response.once('close', () => resolve({ by: response.writableFinished ? 'server' : 'client', at: Date.now() }));
  });
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const text = Buffer.concat(parts).toString('utf8');
  return {
    at,
    method: request.method!,
    path: request.url!.replace(/\?.*/, ''),
    headers: request.headers,
    body: text === '' ? undefined : (JSON.parse(text) as AskedChat),
    fault: undefined,
    closed,
  };
}
