import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server of a peer, on loopback, with a folder of its own. */
export interface PeerServer {
  port: number;
  stop(): Promise<void>;
}

/** Of loopback; free when it was asked for. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port: number, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const ok = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (ok) return;
    if (performance.now() > deadline) throw new Error(`nothing listens on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** redis-server with an append-only file; `fsync`: `everysec` or `always`. undefined when redis-server is not installed. */
export async function redis(fsync: 'everysec' | 'always'): Promise<PeerServer | undefined> {
  if (!hasCommand('redis-server')) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'));
  const port = await freePort();
  const child = spawn(
    'redis-server',
    [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      fsync,
    ],
    { stdio: 'ignore' },
  );
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await listening(port);
  return {
    port,
    async stop() {
      child.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A private Postgres cluster of the newest installed version, with its defaults; undefined when none is installed. */
export async function postgres(): Promise<(PeerServer & { url: string }) | undefined> {
  const root = '/usr/lib/postgresql';
  let version: string | undefined;
  try {
    version = readdirSync(root).sort((a, b) => Number(b) - Number(a))[0];
  } catch {
    return undefined;
  }
  const bin = join(root, version!, 'bin');
  const folder = mkdtempSync(join(tmpdir(), 'bench-postgres-'));
  // Postgres refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  const user = isRoot ? { uid: id('-u'), gid: id('-g') } : {};
  if (isRoot) chownSync(folder, user.uid!, user.gid!);
  const data = join(folder, 'data');
  execFileSync(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'bench'], {
    stdio: 'ignore',
    cwd: folder,
    ...user,
  });
  const port = await freePort();
  const child = spawn(join(bin, 'postgres'), ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', folder], {
    stdio: 'ignore',
    cwd: folder,
    ...user,
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await listening(port);
  return {
    port,
    url: `postgres://bench@127.0.0.1:${port}/postgres`,
    async stop() {
      child.kill('SIGINT');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function hasCommand(name: string): boolean {
  try {
    execFileSync('which', [name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
