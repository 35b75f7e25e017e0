import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { WebTerms } from '../../src/control/web-channel.ts';
import { createOperations } from '../../src/host/api/handlers.ts';
import { createSessions } from '../../src/host/web/sessions.ts';
import { createWebSupervisor } from '../../src/host/web/supervisor.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createScrubber } from '../../src/kernel/scrub.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { isRunning } from '../e2e/installation.ts';

/** A web process as small as can be: it says that it listens, and answers pings. `first` runs before, `then` when it has said so. */
const script = (then: string, first: string) => `
${first}
import { readSync, writeSync } from 'node:fs';
const send = (message) => {
  const body = Buffer.from(JSON.stringify([message]));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  writeSync(3, Buffer.concat([head, body]));
};
const read = (length) => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const got = readSync(3, bytes, at, length - at, null);
    if (got === 0) process.exit();
    at += got;
  }
  return bytes;
};
for (;;) {
  const messages = JSON.parse(read(read(4).readUInt32BE()));
  for (const message of messages) {
    if (message.do === 'begin') { send({ say: 'listening', port: message.terms.ports[0] }); ${then} }
    if (message.do === 'ping') send({ say: 'pong', n: message.n, clients: 0 });
  }
}
`;

let folder: string;
let stop = async () => {};
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-web-')));
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A supervisor of a script, with its events as they come. */
function supervise(then: string, first = '') {
  const file = join(folder, 'web.mjs');
  writeFileSync(file, script(then, first));
  const events: string[] = [];
  const waiting: { holds(): boolean; resolve(): void }[] = [];
  const lines: string[] = [];
  const look = () => {
    for (const one of waiting) if (one.holds()) one.resolve();
  };
  const add = (to: string[]) => (text: string) => {
    to.push(text);
    look();
  };
  const log = { ...silentLog, warn: add(lines), info: look };
  const event = add(events);
  const terms = {
    version: '0',
    parent: process.pid,
    folder,
    store: join(folder, 'no.db'),
    logs: folder,
    zone: 'UTC',
    host: '127.0.0.1',
  };
  const web = createWebSupervisor({
    time: machineTime,
    log,
    events: {
      record: (_level, { kind, message }) => event(`${kind}: ${message}`),
      clean: (event) => event,
      publish() {},
      listen: () => () => {},
      settled: async () => {},
    },
    scrub: createScrubber(),
    sessions: createSessions({ time: machineTime, log, file: join(folder, 'sessions.json'), changed: () => {} }),
    assistants: { of: () => undefined, list: () => [] },
    operations: () => createOperations({}),
    hooks: { take: () => Promise.reject(new Error('no hooks')) },
    pings: { receive: async () => ({}) },
    audit: { of: (_by, _act, asked) => asked, record: () => {} },
    terms: { ...terms, origin: null, publicMetrics: false, cookie: 'x' } satisfies Omit<WebTerms, 'ports'>,
    port: 9_999,
    file,
    pingMs: 300,
  });
  stop = () => web.stop();
  /** Resolves when it holds after a line or an event. */
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      if (holds()) resolve();
      else waiting.push({ holds, resolve });
    });
  return { web, events, lines, until };
}

it('replaces a process that is stopped and answers no ping', async () => {
  const { web, events, until } = supervise('');
  await web.start();
  await until(() => web.view() !== null);
  const { pid } = web.view()!;
  process.kill(pid, 'SIGSTOP');
  await until(() => events.some((event) => event.startsWith('web.back')));
  expect(events[0]).toBe(
    'web.lost: the page was killed: it gave no answer to 4 pings; agents go on, and it is started again',
  );
  expect(web.view()).toEqual({ port: 9_999, pid: expect.any(Number) });
  expect(web.view()!.pid).not.toBe(pid);
  expect(isRunning(pid)).toBe(false);
});

it('replaces a process that takes too much memory', async () => {
  const { web, events, until } = supervise('', 'globalThis.kept = Buffer.alloc(220e6, 1);');
  await web.start();
  await until(() => events.length > 0);
  expect(events[0]).toMatch(/^web\.lost: the page was killed: it took \d+ MB of memory, and 192 MB is its limit/);
});

it('waits longer after each loss, and writes one event for a loop of them', async () => {
  const { web, events, lines, until } = supervise('process.exit(1);');
  const from = performance.now();
  await web.start();
  await until(() => lines.length >= 2);
  expect(performance.now() - from).toBeGreaterThan(0.75 * (500 + 1_000));
  expect(events.filter((event) => event.startsWith('web.lost'))).toHaveLength(1);
  expect(web.fault()).toMatchObject({ code: 'WEB_LOST', message: 'the page ended with code 1' });
});

it('kills a process that says what is no message', async () => {
  for (const said of [`{ say: 'ask', id: -1, op: 'ping', cookie: null }`, `{ say: 'become root' }`, '7']) {
    const { web, events, until } = supervise(`send(${said});`);
    await web.start();
    await until(() => events.length > 0);
    expect(events[0]).toMatch(
      /^web\.lost: the page was killed: a message ("ask" whose id is out of its bounds|of an unknown kind)/,
    );
    await web.stop();
  }
});

it('says why there is no page when a process cannot listen, and is stopped without a rest', async () => {
  const { web, until, events } = supervise(
    `send({ say: 'failed', fault: { code: 'WEB_PORT_TAKEN', message: 'taken' } });`,
  );
  await web.start();
  await until(() => events.length > 0);
  expect(web.fault()).toMatchObject({ code: 'WEB_PORT_TAKEN' });
  await web.stop();
  expect(web.view()).toBeNull();
  await web.stop();
});
