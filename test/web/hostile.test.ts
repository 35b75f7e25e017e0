import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectControl } from '../../src/control/client.ts';
import { readHostFile } from '../../src/control/place.ts';
import { mostFiles, openFileLinks, readProcessSize } from '../../src/kernel/proc.ts';
import { type Installation, installation, plugin } from '../e2e/installation.ts';
import { ask, type Browser, pageOf, signIn } from './client.ts';

let place: Installation;
let page: { url: string; pid: number };
let operator: Browser;
let from: string;
beforeAll(async () => {
  delete process.env.DARUMA_WEB;
  place = installation({
    'plugins/tick.ts': plugin('return 1;', `schedule: '* * * * * *',`),
    'config/daruma.yaml': 'web: { port: 0 }\n',
  });
  await place.start();
  page = await pageOf(place);
  operator = await signIn(place);
  from = new Date().toISOString();
});
afterAll(() => place?.leave());

/** Opens a connection, sends text, and says what came back until it was closed. `isAll`: nothing more is sent. */
function raw(text: string, isAll = true): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(page.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1').on('data', (part) => (answer += part));
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    if (isAll) socket.end(text);
    else socket.write(text);
  });
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);

const PATHS = [
  ...[
    '/',
    '//',
    '/../../../../etc/passwd',
    '/assets/../../../.env',
    '/assets/..%2f..%2fdata%2fdaruma.db',
    '/%2e%2e/%2e%2e/etc/passwd',
  ],
  ...[
    '/assets/page.css/../process.js',
    '/assets/%00',
    '/%00',
    '/%',
    '/%zz',
    '/agents/%ff',
    '/agents/__proto__',
    '/jobs/constructor',
  ],
  ...[
    '/act/stop',
    '/act/constructor',
    '/act/__proto__',
    '/login?code[]=x',
    '/login?code=' + 'x'.repeat(4_000),
    '/live?x',
    '/?said=__proto__',
  ],
  ...[
    '/' + 'a'.repeat(8_000),
    '/' + 'a/'.repeat(2_000),
    '/?' + 'a=1&'.repeat(2_000),
    '/index.php',
    '/.git/config',
    '/data/run/control.sock.token',
  ],
  ...[
    '/jobs?limit=1e99',
    '/jobs?limit=-1',
    "/jobs?agent=' OR 1=1 --",
    '/agents/<script>alert(1)</script>',
    '*',
    'http://evil.example/',
    '/\\..\\..\\',
  ],
];
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'];
const HEADERS = [
  ...[
    '',
    'Host: evil.example',
    'Cookie: ' + 'a=b; '.repeat(500),
    'Cookie: daruma_00000000=' + 'x'.repeat(4_000),
    'Origin: null',
    'Origin: http://evil.example',
  ],
  ...[
    'Content-Length: 99999999999',
    'Content-Length: -1',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 5',
    'Expect: 100-continue',
  ],
  ...[
    'X-A: ' + 'a'.repeat(20_000),
    'Upgrade: websocket\r\nConnection: Upgrade',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-For: 127.0.0.1',
    'Range: bytes=0-0,'.repeat(50),
  ],
  ...[
    Array.from({ length: 300 }, (_, i) => `X-${i}: 1`).join('\r\n'),
    'X-HTTP-Method-Override: DELETE',
    'Accept: ../../../etc/passwd',
    'Content-Type: multipart/form-data; boundary=x',
  ],
];
const BODIES = [
  '',
  'csrf=x&agent=tick',
  '{"csrf":"x"}',
  '\0\0\0\0',
  'a=1&'.repeat(5_000),
  '%',
  '0\r\n\r\n',
  'ffffffff\r\n',
  '-1\r\n',
];

/** One of a thousand requests: each list in its own rhythm. */
function hostileRequest(index: number): string {
  const pick = (list: readonly string[], step: number) => list[(index * step) % list.length]!;
  const host = index % 7 === 0 ? '' : `Host: ${new URL(page.url).host}\r\n`;
  const cookie = index % 3 === 0 ? `Cookie: ${operator.cookie}\r\n` : '';
  return `${pick(METHODS, 1)} ${pick(PATHS, 3)} HTTP/1.1\r\n${host}${cookie}${pick(HEADERS, 7)}\r\n\r\n${pick(BODIES, 5)}`;
}

/** The slots of the agent of each second since the test began, and the latest start of a job, in ms after its slot. */
async function slotsOf() {
  const client = await connectControl(readHostFile(place.folder)!.socket);
  const to = new Date(Date.now() - 3_000).toISOString();
  const slots = await client.ask('slots', { agent: 'tick', from, to });
  client.close();
  return slots.map(({ state }) => state);
}

describe('the page', () => {
  it('answers a thousand hostile requests with a refusal, and never with a failure of its own', async () => {
    const statuses = new Map<number, number>();
    for (let at = 0; at < 1_000; at += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => raw(hostileRequest(at + i))));
      for (const answer of answers) {
        const status = statusOf(answer);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect(answer).not.toMatch(/root:x:|SQLite format|<script>alert/);
      }
    }
    expect([...statuses.keys()].filter((status) => status >= 500 && status !== 503)).toEqual([]);
    expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(1_000);
    for (const noise of [
      '\r\n'.repeat(100),
      '\x16\x03\x01\x02\x00',
      'GET / HTTP/9.9\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\0'.repeat(10_000),
    ])
      expect(statusOf(await raw(noise))).toBeLessThan(500);
    expect(await pageOf(place)).toEqual(page);
    expect((await operator.get('/nowhere')).status).toBe(404);
  });

  it('refuses forms and heads that are too long', async () => {
    const form = { agent: 'tick', input: 'x'.repeat(3_000_000) };
    const sent = await operator.send('/act/run', form).then(
      ({ status }) => status,
      () => 'closed',
    );
    expect([413, 'closed']).toContain(sent);
    expect((await ask(`${page.url}/`, { headers: { 'x-a': 'a'.repeat(20_000) } })).status).toBe(431);
  });

  it('lets nobody hold what others need: a request that does not come to an end is ended, and of ten thousand idle connections it keeps a few', async () => {
    // Fewer where this process may not have so many open.
    const many = Math.min(10_000, mostFiles() - 2_000);
    const { port } = new URL(page.url);
    const slow = raw(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Slow: `, false);
    const sockets = new Set<Socket>();
    const open = (text: string) =>
      new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1');
        sockets.add(socket);
        const done = () => resolve();
        socket.resume().on('error', done);
        socket.on('close', () => {
          sockets.delete(socket);
          done();
        });
        socket.on('connect', () => {
          if (text) socket.write(text);
          done();
        });
      });
    // The machine itself keeps so many connections that nobody has taken yet.
    const head = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Slow: `;
    for (let at = 0; at < many; at += 100)
      await Promise.all(Array.from({ length: 100 }, (_, i) => open(i % 5 === 0 ? head : '')));
    // Somebody who wants to look is served all the same.
    expect((await operator.get('/nowhere')).status).toBe(404);
    const held = () => openFileLinks(page.pid).length;
    expect(held()).toBeLessThan(256 + 64);
    expect(readProcessSize(page.pid)!.rssBytes).toBeLessThan(192 * 1024 ** 2);
    for (const socket of sockets) socket.destroy();
    expect([0, 408]).toContain(statusOf(await slow));
    expect(await pageOf(place)).toEqual(page);
  });

  it('cost no agent a slot in all that time', async () => {
    const states = await place.until(slotsOf, (found) => found.length > 5);
    expect([...new Set(states)]).toEqual(['ran']);
  });
});
