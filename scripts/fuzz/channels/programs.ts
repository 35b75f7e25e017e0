import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { delay } from '../delay.ts';
import type { Counterpart } from './list.ts';
import { requests, wholeOf } from './stubs.ts';

const READY_MS = 10_000;

/** smtp-server, which takes each mail after a moment. A mail counts once by its Message-ID, as servers that drop duplicates count. */
export async function openMailServer(): Promise<Counterpart> {
  const mails = new Map<string, string>();
  let taken = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    async onData(stream, _, done) {
      const text = await wholeOf(stream);
      if (text === null) return;
      requests.emit('request');
      await delay(Math.random() * 30);
      taken += 1;
      mails.set(/^Message-ID: (.+)$/m.exec(text)?.[1] ?? `none-${taken}`, text);
      await delay(Math.random() * 30);
      done(null, 'taken');
    },
  });
  // A connection whose host was killed.
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    is: 'real: smtp-server 3.21.6',
    settings: { server: `smtp://127.0.0.1:${port}`, from: 'fuzz@shop.example', to: ['you@shop.example'] },
    texts: () => [...mails.values()],
    repeats: () => taken - mails.size,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** ntfy with a cache; limits of a public server are out of the way. */
export async function openNtfy(program: string, folder: string): Promise<Counterpart> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = {
    'base-url': url,
    'listen-http': `127.0.0.1:${port}`,
    'cache-file': join(folder, 'cache.db'),
    'visitor-request-limit-burst': 1_000_000,
    'visitor-message-daily-limit': 1_000_000,
  };
  writeFileSync(join(folder, 'server.yml'), JSON.stringify(config));
  const child = spawn(program, ['serve', '--config', join(folder, 'server.yml')], { stdio: 'ignore' });
  await answering(`${url}/v1/health`);
  return {
    is: `real: ${versionOf(program, ['--help'], /ntfy ([\d.]+)/) ?? 'ntfy'}`,
    settings: { kind: 'ntfy', url: `${url}/alarms`, settle: '500ms' },
    async texts() {
      const answer = await fetch(`${url}/alarms/json?poll=1&since=all`);
      return (await answer.text()).split('\n').filter(Boolean);
    },
    repeats: () => 0,
    close: () => ended(child),
  };
}

/** snac with one user. Its API is Mastodon's, but it does not look at Idempotency-Key: what is not looked up is there twice. */
export async function openSnac(program: string, folder: string): Promise<Counterpart> {
  const port = await freePort();
  const host = `localhost:${port}`;
  execFileSync(program, ['init', folder], {
    input: `127.0.0.1\n${port}\n${host}\n\n\n`,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const file = join(folder, 'server.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"protocol": "https"', '"protocol": "http"'));
  const said = execFileSync(program, ['adduser', folder], {
    input: 'fuzz\nFuzz\n',
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const password = /User password is (\S+)/.exec(said)![1]!;
  const child = spawn(program, ['httpd', folder], { stdio: 'ignore' });
  const server = `http://${host}`;
  await answering(`${server}/api/v1/instance`);
  const login = new URLSearchParams({ login: 'fuzz', passwd: password });
  const token = await (await fetch(`${server}/oauth/x-snac-get-token`, { method: 'POST', body: login })).text();
  const headers = { authorization: `Bearer ${token.trim()}` };
  const api = async (path: string) => (await fetch(`${server}/api/v1/accounts/${path}`, { headers })).json();
  return {
    is: `real: ${versionOf(program, [], /snac ([\d.]+)/) ?? 'snac'}`,
    settings: { server, settle: '500ms' },
    secrets: { MASTODON_TOKEN: token.trim() },
    async texts() {
      const { id } = (await api('verify_credentials')) as { id: string };
      const listed = (await api(`${id}/statuses?limit=1000`)) as { content: string }[];
      return listed.map(({ content }) => content);
    },
    repeats: () => 0,
    close: () => ended(child),
  };
}

function versionOf(program: string, args: string[], form: RegExp): string | undefined {
  let said = '';
  try {
    said = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    said = `${stdout}${stderr}`;
  }
  return form.exec(said)?.[0];
}

async function answering(url: string): Promise<void> {
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline; await delay(20)) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error(`${url} does not answer`);
}

function ended(child: ChildProcess): Promise<void> {
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  child.kill('SIGTERM');
  return over;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
