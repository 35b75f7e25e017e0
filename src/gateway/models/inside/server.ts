import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Fault } from '../../../kernel/fault.ts';
import { MB } from '../../../kernel/measures.ts';
import { ApiError } from './api-error.ts';

/** The longest body of a request, in bytes. */
const BODY_BYTES = 8 * MB;
const HEADER_BYTES = 16 * 1024;
const MOST_HEADERS = 100;
const MOST_CONNECTIONS = 1_024;
/** A client has this long to send the head of a request, and all of it, in ms. */
const HEAD_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 60_000;
const KEEP_ALIVE_MS = 60_000;

/** Answers one request; a rejection becomes an error of OpenAI's form. */
type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** An HTTP server on loopback, with bounds on all that a client can hold. */
export function createModelServer(answer: Answer): Server {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: HEAD_WITHIN_MS,
    requestTimeout: REQUEST_WITHIN_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
  });
  server.maxHeadersCount = MOST_HEADERS;
  server.maxConnections = MOST_CONNECTIONS;
  server.on('request', (request, response) => {
    response.on('error', () => {});
    answer(request, response).catch((error: unknown) => refuse(response, error));
  });
  return server;
}

/** Listens on the first of the ports that is free. Rejects with `MODELS_PORT_TAKEN`. */
export async function listenOn(server: Server, ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const failed = () => resolve(false);
    server.once('error', failed);
    server.listen({ port, host: '127.0.0.1', backlog: 256 }, () => resolve(true));
    const isListening = await promise;
    server.off('error', failed);
    if (isListening) return (server.address() as { port: number }).port;
  }
  throw new Fault({
    code: 'MODELS_PORT_TAKEN',
    message: `the model gateway found no free port among ${ports.join(', ')}`,
    next: 'nothing: it is started again, and tries another',
  });
}

/** Reads the JSON of a request. Rejects with an {@link ApiError}: 413 too big, 400 no JSON object. */
export async function readObject(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    // A client that is refused while it sends sees no answer: the rest is read, and not kept.
    if (length <= BODY_BYTES) parts.push(part);
  }
  if (length > BODY_BYTES)
    throw new ApiError(413, 'request_too_large', `the request is longer than ${BODY_BYTES / MB} MB`);
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts, length).toString());
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // Told below, alike for everything that is no object.
  }
  throw new ApiError(400, 'invalid_json', 'the request is no JSON object');
}

/** Answers with an error; behind the head of an answer, in the way of the protocol. */
function refuse(response: ServerResponse, error: unknown): void {
  const shown = ApiError.of(error);
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) {
    response.end(`data: ${JSON.stringify(shown.body)}\n\n`);
    return;
  }
  response.writeHead(shown.status, { 'content-type': 'application/json', ...shown.headers });
  response.end(JSON.stringify(shown.body));
}
