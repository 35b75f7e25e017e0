import { beforeEach, expect, it } from 'vitest';
import { sha256 } from '../../src/kernel/sha256.ts';
import { createReader, type Reader } from '../../src/web/reader.ts';
import { Clock } from '../clock.ts';

let time: Clock;
let silentMs: number;
let reader: Reader;
/** Whether the thread that reads the store has loaded its code. */
let isReady: boolean;
let begun: number;
const HELD = { is: 'limit', text: 'it waits for its limit', until: null, next: null };
let jobsOfStore: { id: string; state: string }[] = [];
const fromStore: string[] = [];
const fromHost: string[] = [];
beforeEach(() => {
  time = new Clock();
  silentMs = 0;
  jobsOfStore = [];
  isReady = true;
  begun = 0;
  fromStore.length = 0;
  fromHost.length = 0;
  reader = createReader({
    time,
    parent: 4_321,
    link: {
      ask: async (op) => {
        fromHost.push(op);
        return (op === 'holdUps' ? [{ job: 'job-2', holdUp: HELD }] : undefined) as never;
      },
      session: (hash) => (hash === sha256('of an operator') ? { hash, role: 'operator', until: 1 } : undefined),
      silentMs: () => silentMs,
    },
    reads: {
      ask: async (op, _args, role) => {
        fromStore.push(`${op} as ${role}`);
        return jobsOfStore;
      },
      isReady: () => isReady,
      beginSoon: () => (begun += 1),
    },
  });
});

it('reads the store with the role of who asks, while the host is silent and for long lists', async () => {
  for (const cookie of ['of an operator', 'of nobody', null]) {
    await reader.ask('configShow', {}, cookie);
    await reader.ask('jobs', {}, cookie);
  }
  silentMs = 10_000;
  for (const cookie of ['of an operator', 'of nobody', null]) await reader.ask('configShow', {}, cookie);
  expect(fromStore).toEqual([
    ...['jobs as operator', 'jobs as reader', 'jobs as reader'],
    ...['configShow as operator', 'configShow as reader', 'configShow as reader'],
  ]);
});

it('asks once for pages that ask the same at once, and anew afterwards', async () => {
  const jobs = () => reader.ask('jobs', { limit: 5 }, null);
  await Promise.all([
    jobs(),
    jobs(),
    reader.ask('jobs', { limit: 6 }, null),
    reader.ask('jobs', { limit: 5 }, 'of an operator'),
  ]);
  expect(fromStore).toHaveLength(3);
  await jobs();
  expect(fromStore).toHaveLength(4);
});

it('shares a finished answer with pages that accept its age, by role, until something has changed', async () => {
  const status = (cookie: string | null) => reader.ask('status', {}, cookie, 1_000);
  for (const cookie of ['of an operator', null, 'of an operator', null]) await status(cookie);
  expect(fromHost).toHaveLength(2);
  await reader.ask('status', {}, null);
  expect(fromHost).toHaveLength(3);
  reader.forget();
  expect(reader.changes()).toBe(1);
  await status(null);
  expect(fromHost).toHaveLength(4);
});

it('lets the host answer a few short questions while the thread begins, and long ones never', async () => {
  isReady = false;
  await Promise.all([
    ...['a', 'b', 'c', 'd', 'e', 'f'].map((agent) => reader.ask('incidents', { agent }, null)),
    reader.ask('jobs', { text: 'a text' }, null),
    reader.ask('logs', {}, null),
  ]);
  expect(begun).toBeGreaterThan(0);
  expect(fromHost).toEqual(Array(4).fill('incidents'));
  expect(fromStore.map((said) => said.split(' ')[0])).toEqual(['incidents', 'incidents', 'jobs', 'logs']);
  await reader.ask('jobs', {}, null);
  isReady = true;
  await reader.ask('jobs', {}, null);
  expect([fromHost.length, fromStore.length]).toEqual([5, 5]);
});

it('names a host that has been silent for three pings, and when it was last heard', () => {
  silentMs = 6_400;
  expect(reader.down()).toBeUndefined();
  silentMs = 10_000;
  expect(reader.down()).toEqual({ pid: 4_321, lastSign: new Date(time.now() - 10_000).toISOString() });
});

it('has the host say why the jobs of a list wait, and asks no host that is silent', async () => {
  jobsOfStore = [
    { id: 'job-1', state: 'done' },
    { id: 'job-2', state: 'queued' },
    { id: 'job-3', state: 'retrying' },
  ];
  expect(await reader.ask('jobs', {}, null)).toEqual([
    { id: 'job-1', state: 'done' },
    { id: 'job-2', state: 'queued', holdUp: HELD },
    { id: 'job-3', state: 'retrying', holdUp: null },
  ]);
  silentMs = 10_000;
  expect(await reader.ask('jobs', { limit: 3 }, null)).toEqual(jobsOfStore);
  expect(fromHost).toEqual(['holdUps']);
});
