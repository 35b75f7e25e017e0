import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { Fault } from '../kernel/fault.ts';

/** The HTTP server of the page, with bounds on all that a client can hold. */
export interface PageServer {
  port: number;
  /** Connections that are open. */
  clients(): number;
  close(): Promise<void>;
}

/** Connections at a time. Beyond, the oldest that waits for nothing is closed for the new one; if there is none, the new one is. */
const MOST_CLIENTS = 256;
const HEADER_BYTES = 16 * 1024;
const MOST_HEADERS = 100;
/** A client has this long to send the head of a request, and all of it, in ms. */
const HEAD_WITHIN_MS = 5_000;
const REQUEST_WITHIN_MS = 15_000;
const CHECK_EVERY_MS = 1_000;
/** A connection without a byte in either direction is closed. Streams of pages beat each 5 s, and the longest act is answered in 10 s. */
const IDLE_MS = 12_000;
const KEEP_ALIVE_MS = 5_000;
const REQUESTS_PER_CONNECTION = 1_000;

/** Listens on the first of the ports that is free. Rejects with `WEB_PORT_TAKEN`, or `WEB_ADDRESS` when the machine has no such address. */
export async function serve(
  terms: { host: string; ports: readonly number[] },
  fetch: (request: Request) => Response | Promise<Response>,
): Promise<PageServer> {
  const sockets = new Map<Socket, number>();
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: HEAD_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      requireHostHeader: true,
      insecureHTTPParser: false,
    },
    getRequestListener(fetch),
  );
  server.maxHeadersCount = MOST_HEADERS;
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION;
  server.setTimeout(IDLE_MS);
  server.on('connection', (socket: Socket) => {
    if (sockets.size >= MOST_CLIENTS && !closeOldestIdle(sockets)) return socket.destroy();
    sockets.set(socket, 0);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    sockets.set(socket, (sockets.get(socket) ?? 0) + 1);
    response.on('close', () => {
      if (sockets.has(socket)) sockets.set(socket, sockets.get(socket)! - 1);
    });
  });
  server.on('clientError', refuse);
  const port = await listen(server, terms);
  return {
    port,
    clients: () => sockets.size,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers what is no request, and closes its connection. */
function refuse({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
  else socket.destroy();
}

/** Closes the oldest connection on which no request is answered. */
function closeOldestIdle(sockets: Map<Socket, number>): boolean {
  for (const [socket, requests] of sockets) {
    if (requests > 0) continue;
    sockets.delete(socket);
    socket.destroy();
    return true;
  }
  return false;
}

async function listen(server: Server, { host, ports }: { host: string; ports: readonly number[] }): Promise<number> {
  for (const port of ports) {
    const code = await new Promise<string | undefined>((resolve) => {
      const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? 'ERROR');
      server.once('error', failed);
      server.listen({ port, host, backlog: 128 }, () => {
        server.off('error', failed);
        resolve(undefined);
      });
    });
    if (code === undefined) return (server.address() as { port: number }).port;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') {
      const message = `the page cannot listen on ${host}: ${code}`;
      throw new Fault({
        code: 'WEB_ADDRESS',
        message,
        next: 'set web.host in config/daruma.yaml to an address of this machine',
      });
    }
  }
  const message = `the ports ${ports[0]} to ${ports.at(-1)} are taken, and the page has none`;
  throw new Fault({ code: 'WEB_PORT_TAKEN', message, next: 'set web.port in config/daruma.yaml to a free port' });
}
