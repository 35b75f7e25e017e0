import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { hostFilePath, socketPath } from '../../src/control/place.ts';
import type { Op, Ops } from '../../src/control/protocol.ts';
import { Fault, toPlainFault } from '../../src/kernel/fault.ts';
import { cli } from './process.ts';

/** An installation in a temporary folder, with a place for its socket and its log. */
export function temporaryInstallation(): { folder: string; remove(): void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-cli-')));
  for (const name of ['plugins', 'logs', 'data/run']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export type Answers = {
  [O in Op]?: (args: Ops[O]['args'], item: (item: unknown) => void) => Ops[O]['value'] | Promise<Ops[O]['value']>;
};

export interface FakeHost {
  /** Every request that came, in order, but for `ping`. */
  asked: { op: string; args: unknown }[];
  /** Ends every connection and stops to listen. */
  close(): Promise<void>;
}

/** Listens where the installation's host would, and answers with fixed values. */
export async function fakeHost(folder: string, answers: Answers): Promise<FakeHost> {
  const path = socketPath(folder);
  rmSync(path, { force: true });
  writeFileSync(
    hostFilePath(folder),
    JSON.stringify({ pid: process.pid, startedAt: '2026-11-22T11:00:00.000Z', socket: path }),
  );
  const asked: FakeHost['asked'] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.setEncoding('utf8');
    let rest = '';
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) void answer(socket, line);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    asked,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };

  async function answer(socket: Socket, line: string) {
    const { id, op, args } = JSON.parse(line) as { id: number; op: Op; args: never };
    // Every client asks first whose host it is.
    if (op !== 'ping') asked.push({ op, args });
    const send = (message: object) => socket.writable && socket.write(`${JSON.stringify({ id, ...message })}\n`);
    try {
      const ping = () => ({ pid: process.pid, version: '0.1.0', startedAt: '2026-11-22T11:00:00.000Z', folder });
      const call = { ping, ...answers }[op] as ((args: unknown, item: (item: unknown) => void) => unknown) | undefined;
      if (!call) throw new Fault({ code: 'OP_UNKNOWN', message: `no op ${op}` });
      send({ ok: true, value: await call(args, (item) => send({ item })) });
    } catch (thrown) {
      const { stack: _stack, ...error } = toPlainFault(thrown);
      send({ ok: false, error });
    }
  }
}

/**
 * An installation for each test of a file, and a host that answers there once `serve` was called. `asked`: the requests that
 * the host got.
 */
export function servedInstallation() {
  let installation: ReturnType<typeof temporaryInstallation>;
  let host: FakeHost | undefined;
  beforeEach(() => {
    installation = temporaryInstallation();
  });
  afterEach(async () => {
    await host?.close();
    host = undefined;
    installation.remove();
  });
  return {
    folder: () => installation.folder,
    asked: () => host!.asked,
    closeHost: () => host!.close(),
    async serve(answers: Answers) {
      host = await fakeHost(installation.folder, answers);
    },
    /** Runs a command in the installation. */
    inFolder: (...args: string[]) => cli(args, { cwd: installation.folder }),
  };
}
