import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** How a server is ill: nobody listens, it answers 503, it takes connections and says nothing. */
export type Illness = 'closed' | '503' | 'hangs';

/** A real server on loopback, whose port stays its own while it is down. */
export interface OriginServer {
  origin: string;
  port: number;
  /** Times (epoch ms) at which somebody asked, in whatever state it was. A closed port hears nobody. */
  asked: number[];
  /** Paths that were answered with 200. */
  answered: string[];
  be(how: 'well' | Illness): Promise<void>;
  close(): Promise<void>;
}

export async function originServer(): Promise<OriginServer> {
  let state: 'well' | Illness = 'well';
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  const it: OriginServer = { origin: '', port: 0, asked: [], answered: [], be, close: () => shut() };

  async function listen() {
    server = createServer((request, response) => {
      it.asked.push(Date.now());
      if (state === 'hangs') return;
      if (state === 'well') it.answered.push(request.url!);
      response.writeHead(state === 'well' ? 200 : 503).end('{}');
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server!.listen(it.port, '127.0.0.1', resolve));
    it.port = (server.address() as AddressInfo).port;
    it.origin = `http://127.0.0.1:${it.port}`;
  }

  async function shut() {
    const closing = server;
    server = undefined;
    for (const socket of sockets) socket.destroy();
    if (closing) await new Promise<void>((resolve) => closing.close(() => resolve()));
  }

  async function be(how: 'well' | Illness) {
    state = how;
    if (how === 'closed') await shut();
    else if (!server) await listen();
  }

  await listen();
  return it;
}
