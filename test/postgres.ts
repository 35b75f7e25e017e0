import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import Client from 'pg/lib/client';
import { requiredProgram } from './programs.ts';

const run = promisify(execFile);

/** A PostgreSQL of the machine on loopback, with a cluster of its own in a temporary folder. */
export interface TestPostgres {
  port: number;
  /** `postgres://postgres@127.0.0.1:<port>/postgres`; nobody is asked for a password. */
  url: string;
  /** Asks as the superuser, past all pools: one query, one connection. */
  ask<Row = Record<string, unknown>>(text: string): Promise<Row[]>;
  /** As `pg_ctl restart -m fast` (or `immediate`) does. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  /** Stops the server as `pg_ctl stop -m fast` does; `start` starts it again. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** The process id of the server. */
  pid(): number;
  /** Stops it and deletes the cluster. */
  close(): Promise<void>;
}

/** A user who has to give a password, over SCRAM. */
export const GUARDED_USER = 'guarded';

/** `settings`: of `postgresql.conf`. PostgreSQL refuses root, so root starts it as the user that Debian's package made. */
export async function startPostgres(settings: Record<string, string | number> = {}): Promise<TestPostgres> {
  const postgres = requiredProgram('postgres');
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-pg-')));
  const data = join(folder, 'data');
  const asUser = await otherUser();
  if (asUser) chownSync(folder, asUser.uid, asUser.gid);
  // The server ends with this process, however that ends.
  const prefix = [...(asUser ? [`--reuid=${asUser.uid}`, `--regid=${asUser.gid}`, '--clear-groups'] : [])];
  const setpriv = [...prefix, '--pdeathsig', 'QUIT'];
  const env = { PATH: process.env.PATH, LC_ALL: 'C' };
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--no-locale'];
  await run('setpriv', [...prefix, requiredProgram('initdb'), ...initdb], { cwd: folder, env });
  const rules = join(data, 'pg_hba.conf');
  writeFileSync(rules, `host all ${GUARDED_USER} all scram-sha-256\n${readFileSync(rules, 'utf8')}`);
  const port = await freePort();
  const all = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    fsync: 'off',
    shared_buffers: '16MB',
    autovacuum: 'off',
    ...settings,
  };
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let server: ChildProcess | undefined;

  async function start() {
    const child = spawn('setpriv', [...setpriv, postgres, '-D', data, ...options], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    server = child;
    const lines: string[] = [];
    const ready = Promise.withResolvers<void>();
    createInterface({ input: child.stderr! }).on('line', (line) => {
      lines.push(line);
      if (line.includes('database system is ready to accept connections')) ready.resolve();
    });
    child.once('exit', () => ready.reject(new Error(`PostgreSQL ended:\n${lines.join('\n')}`)));
    await ready.promise;
  }

  async function end(signal: NodeJS.Signals) {
    const child = server;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  await start();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    port,
    url,
    async ask<Row>(text: string) {
      const client = new Client({ connectionString: url, application_name: 'the test' });
      await client.connect();
      try {
        return ((await client.query(text)) as { rows: Row[] }).rows;
      } finally {
        await client.end();
      }
    },
    async restart(mode) {
      await end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await start();
    },
    stop: () => end('SIGINT'),
    start,
    pid: () => server!.pid!,
    async close() {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The user to start the server as; undefined: this one. */
async function otherUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (userInfo().uid !== 0) return undefined;
  const { stdout } = await run('getent', ['passwd', 'postgres']);
  const [, , uid, gid] = stdout.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
