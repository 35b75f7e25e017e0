import { beforeEach, expect, it } from 'vitest';
import { hashOf } from '../../src/web/host-link.ts';
import { createReader, type Reader } from '../../src/web/reader.ts';
import { Clock } from '../clock.ts';

let time: Clock;
let silentMs: number;
let reader: Reader;
const fromStore: string[] = [];
beforeEach(() => {
  time = new Clock();
  silentMs = 0;
  fromStore.length = 0;
  reader = createReader({
    time,
    parent: 4_321,
    link: {
      ask: async () => ({ values: [] }) as never,
      session: (hash) => (hash === hashOf('of an operator') ? { hash, role: 'operator', until: 1 } : undefined),
      silentMs: () => silentMs,
    },
    reads: { ask: async (op, _args, role) => void fromStore.push(`${op} as ${role}`) },
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

it('names a host that has been silent for three pings, and when it was last heard', () => {
  silentMs = 6_400;
  expect(reader.down()).toBeUndefined();
  silentMs = 10_000;
  expect(reader.down()).toEqual({ pid: 4_321, lastSign: new Date(time.now() - 10_000).toISOString() });
});
