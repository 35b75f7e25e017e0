import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Outcome } from '../../src/jobs/model.ts';
import { createWorld, runs, type World } from './world.ts';

/** Servers of which an agent is granted one, and agents that try to reach the others. */
export interface NetWorld {
  world: World;
  ports: { good: number; evil: number; udp: number };
  /** What came to a server that nobody is granted. */
  arrived: string[];
  /** The outcome of a job with that body; GOOD, EVIL, UDP and PIPE stand for ports and a path. `net`: default the good port. */
  outcome(body: string, net?: string[]): Promise<Outcome>;
  /** The agent of the last job; those before it have left. */
  lastAgent(): string;
  /** A port of this machine where nobody listens. */
  freePort(): Promise<number>;
  close(): Promise<void>;
}

export async function createNetWorld(): Promise<NetWorld> {
  const world = await createWorld();
  const arrived: string[] = [];
  let last = 0;

  const listening = async (server: Server, on: object) => {
    server.listen(on);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const answering = (text: string, where?: string) =>
    createServer((socket) => {
      if (where) arrived.push(where);
      socket.on('error', () => {}).end(`HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n${text}`);
    });

  const [good, evil, pipe, twin] = [
    answering('good'),
    answering('EVIL', 'evil'),
    answering('EVIL', 'pipe'),
    answering('EVIL', 'twin'),
  ] as const;
  const ports = {
    good: await listening(good, { port: 0, host: '127.0.0.1' }),
    evil: await listening(evil, { port: 0, host: '127.0.0.1' }),
    udp: 0,
  };
  // The same port of another address: the kernel tells ports apart and no hosts.
  await listening(twin, { port: ports.good, host: '127.0.0.2' });
  const path = join(world.folder, 'c.sock');
  await listening(pipe, { path });
  const udp = createSocket('udp4', () => arrived.push('udp')).bind(0, '127.0.0.1');
  await once(udp, 'listening');
  ports.udp = udp.address().port;

  return {
    world,
    ports,
    arrived,
    lastAgent: () => `net-${last}`,
    async outcome(body, net = [`127.0.0.1:${ports.good}`]) {
      const name = `net-${++last}`;
      const text = body
        .replaceAll('GOOD', String(ports.good))
        .replaceAll('EVIL', String(ports.evil))
        .replaceAll('UDP', String(ports.udp))
        .replaceAll('PIPE', JSON.stringify(path));
      const head = `const net: any = await import('node:net'); const over = (socket: any) => new Promise((done, fail) => socket.on('data', (data: any) => done(String(data))).on('error', fail).on('close', () => done('closed')));`;
      // Cells that nobody asks any more would each tidy up their memory while the others work.
      world.remove(`net-${last - 1}`);
      await world.agent(name, runs(`${head}\n${text}`), { needs: { net } });
      return world.run(name);
    },
    async freePort() {
      const free = createServer();
      const port = await listening(free, { port: 0, host: '127.0.0.1' });
      await new Promise((closed) => free.close(closed));
      return port;
    },
    async close() {
      for (const server of [good, evil, pipe, twin]) server.close();
      udp.close();
      await world.close();
    },
  };
}
