/**
 * Runs the settings of docs/page.md for Caddy and nginx before a real page: `npm run check:proxies`, after a build, where
 * `caddy`, `nginx` and `openssl` are installed (`apt-get install caddy nginx`). The texts are those of the docs; ports,
 * name and certificate alone are put in, and a certificate of its own takes the place of one that is fetched. For each of
 * the two: sign in, an act, a stream that is not held back, and requests for another name and from another origin.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { csrfOf } from '../src/web/guard.ts';
import { type Installation, installation, plugin } from '../test/e2e/installation.ts';

const NAME = 'daruma.example';
const PAGE = readFileSync(join(import.meta.dirname, '../docs/page.md'), 'utf8');
const LISTENS_WITHIN_MS = 10_000;
/** A stream says something when it is opened, so a server in front that keeps nothing back hands it on at once. */
const STREAMED_WITHIN_MS = 2_000;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** A server with TLS before the page. */
interface Front {
  name: string;
  command: string;
  /** The arguments of the command, after its settings were written into `folder`. */
  args(folder: string, ports: { front: number; page: number }): string[];
}

const FRONTS: readonly Front[] = [
  {
    name: 'caddy',
    command: 'caddy',
    args(folder, { front, page }) {
      const site = docBlock(/^daruma\.example \{/m)
        .replace('daruma.example {', `https://${NAME}:${front} {\n    tls ${folder}/cert.pem ${folder}/key.pem`)
        .replace('127.0.0.1:7070', `127.0.0.1:${page}`);
      writeFileSync(join(folder, 'Caddyfile'), `{\n    admin off\n    auto_https disable_redirects\n}\n${site}`);
      return ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')];
    },
  },
  {
    name: 'nginx',
    command: 'nginx',
    args(folder, { front, page }) {
      const site = docBlock(/^server \{/m)
        .replace('listen 443 ssl;', `listen 127.0.0.1:${front} ssl;`)
        .replace(/\/etc\/letsencrypt\/live\/daruma\.example\/fullchain\.pem/, `${folder}/cert.pem`)
        .replace(/\/etc\/letsencrypt\/live\/daruma\.example\/privkey\.pem/, `${folder}/key.pem`)
        .replace('127.0.0.1:7070', `127.0.0.1:${page}`);
      const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
      const temporary = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n');
      const text = `daemon off;\npid ${folder}/nginx.pid;\nerror_log ${folder}/error.log;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${site}}\n`;
      writeFileSync(join(folder, 'nginx.conf'), text);
      return ['-c', join(folder, 'nginx.conf')];
    },
  },
];

/** A block of code of the docs, by its first line. */
function docBlock(first: RegExp): string {
  const found = [...PAGE.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, text]) => text!).find((text) => first.test(text));
  if (!found) throw new Error(`docs/page.md has no block that begins ${first}`);
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A request to the server in front; `enough`: the answer is cut off when its text holds this. */
function ask(
  front: number,
  path: string,
  { enough, body, headers = {}, ...options }: RequestOptions & { enough?: string; body?: string } = {},
): Promise<Answer> {
  const host = `${NAME}:${front}`;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: '127.0.0.1', port: front, servername: NAME, path, rejectUnauthorized: false, agent: false },
        headers: { host, ...(headers as object) },
        ...options,
      },
      (answer) => {
        let text = '';
        const done = () => resolve({ status: answer.statusCode!, headers: answer.headers, text });
        answer.setEncoding('utf8').on('error', reject).on('end', done);
        answer.on('data', (part: string) => {
          text += part;
          if (enough === undefined || !text.includes(enough)) return;
          done();
          sent.destroy();
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Checks in the order of a person's first minutes; throws at the first that fails. */
async function check(front: number, origin: string, place: Installation): Promise<string[]> {
  const passed: string[] = [];
  const expect = (what: string, is: boolean, seen: unknown) => {
    if (!is) throw new Error(`${what}: ${JSON.stringify(seen)}`);
    passed.push(what);
  };
  const { url } = (await place.daruma('open', '--json')).json as { url: string };
  expect('the link has the origin of the settings', url.startsWith(`${origin}/login?code=`), url);
  const signedIn = await ask(front, url.slice(origin.length));
  const cookie = signedIn.headers['set-cookie']?.[0] ?? '';
  expect('signs in, with a cookie for TLS alone', signedIn.status === 303 && /; Secure/.test(cookie), signedIn);
  const own = { cookie: cookie.split(';')[0]! };
  const page = await ask(front, '/', { headers: own });
  expect('shows the overview', page.status === 200 && page.text.includes('steady'), page.status);

  const form = new URLSearchParams({
    csrf: csrfOf(own.cookie.slice(own.cookie.indexOf('=') + 1)),
    agent: 'steady',
    forMs: '60000',
  });
  const act = (headers: Record<string, string>) =>
    ask(front, '/act/pause', {
      method: 'POST',
      body: `${form}`,
      headers: { ...own, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  const stateOf = async () => (await place.daruma('status', '--json')).json.agents[0].state as string;
  const foreign = await act({ origin: 'https://evil.example' });
  expect('refuses a form of another origin', foreign.status === 403 && (await stateOf()) !== 'paused', foreign);
  const paused = await act({ origin });
  expect('carries out an act', paused.status === 303 && (await stateOf()) === 'paused', paused);

  const begun = performance.now();
  const stream = await ask(front, '/live', { headers: own, enough: 'event: beat' });
  const tookMs = performance.now() - begun;
  expect('holds no stream back', stream.status === 200 && tookMs < STREAMED_WITHIN_MS, {
    status: stream.status,
    tookMs,
  });
  const changed = ask(front, '/live', { headers: own, enough: 'event: change' });
  await sleep(500);
  await place.daruma('resume', 'steady');
  const told = await Promise.race([changed, sleep(STREAMED_WITHIN_MS + 3_000, undefined)]);
  expect('hands a change on while the stream is open', told?.status === 200, told);

  const other = await ask(front, '/', { headers: { ...own, host: `evil.example:${front}` } }).catch((error) => ({
    status: 0,
    text: String(error),
  }));
  expect('shows nothing to another name', other.status !== 200 || other.text === '', other);
  const probe = await ask(front, '/healthz');
  expect('gives probes their state alone', !probe.text.includes('reasons') && probe.text.includes('state'), probe.text);
  expect('keeps metrics for this machine', (await ask(front, '/metrics')).status === 403, null);
  return passed;
}

async function run({ name, command, args }: Front): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `daruma-${name}-`));
  const [front, port] = [await freePort(), await freePort()];
  const origin = `https://${NAME}:${front}`;
  const place = installation({
    'plugins/steady.ts': plugin('return 1;', ''),
    'config/daruma.yaml': `web: { port: ${port}, origin: "${origin}", behindTls: true }\n`,
  });
  const made = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${NAME}`,
    '-addext',
    `subjectAltName=DNS:${NAME}`,
  ];
  execFileSync('openssl', [...made, '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')], {
    stdio: 'ignore',
  });
  mkdirSync(join(folder, 'home'));
  const env = { ...process.env, HOME: join(folder, 'home'), XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const server = spawn(command, args(folder, { front, page: port }), { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => server.once('close', resolve));
  let said = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  try {
    await place.start({ guardian: false });
    await place.until(
      () => ask(front, '/livez').catch(() => undefined),
      (answer) => answer?.status === 200,
      LISTENS_WITHIN_MS,
    );
    for (const what of await check(front, origin, place)) console.log(`${name} ✓ ${what}`);
  } catch (error) {
    console.error(`${name} ✗ ${(error as Error).message}\n${said.slice(-2_000)}`);
    process.exitCode = 1;
  } finally {
    server.kill('SIGTERM');
    await ended;
    await place.leave();
    rmSync(folder, { recursive: true, force: true });
  }
}

delete process.env.DARUMA_WEB;
for (const front of FRONTS) await run(front);
