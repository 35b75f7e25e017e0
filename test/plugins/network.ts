import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as a network saw it. */
export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** An answer of a network; `drop`: the request is read, and the connection ends without a word. */
export type Reply = { status?: number; headers?: Record<string, string>; body?: unknown } | 'drop';

/** A server that answers as a network documents it, and keeps what it saw. It is gone after the test. */
export async function network(answer: (seen: Seen, count: number) => Reply) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => (body += text));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const asked = { method, path, headers, body };
      seen.push(asked);
      const reply = answer(asked, seen.length);
      if (reply === 'drop') return void request.socket.destroy();
      const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {});
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** The JSON of a request. */
export const jsonOf = (seen: Seen | undefined) => JSON.parse(seen!.body);
