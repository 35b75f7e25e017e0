import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type BoundedQuantity, createQuantitySource, readQuantities } from '../../src/host/warnings/quantities.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { Finding } from '../../src/telemetry/ports.ts';
import type { WorkersView } from '../../src/workers/view.ts';
import { Clock, T0 } from '../clock.ts';
import { owedHours } from '../healing/replay.ts';
import { OTHER_COURSES, replayOther } from './quantity-replay.ts';

const HOUR = 3_600_000;
const GB = 1024 ** 3;
let folder: string | undefined;
afterEach(() => folder && rmSync(folder, { recursive: true, force: true }));

/** Each course once, with fewer readings; bench/warnings.ts has twenty seeds, and prints what docs/warnings.md quotes. */
it('tells each true course of files, pools and figures in time, and healthy ones at most once in a fortnight', async () => {
  const late: string[] = [];
  const wrong: string[] = [];
  for (const course of OTHER_COURSES) {
    const { name, hitsAfter } = course;
    const words = await replayOther(course, 7919, hitsAfter === undefined ? 3 : 7, 300_000);
    if (hitsAfter === undefined) wrong.push(...words.map((hour) => `${name} at hour ${hour}`));
    else if (words[0] === undefined || hitsAfter - words[0] < owedHours(hitsAfter)) late.push(`${name}: ${words[0]}`);
  }
  expect(late).toEqual([]);
  expect(wrong.length, wrong.join('\n')).toBeLessThanOrEqual(1);
});

it('says how fast, how much of how much, and when; by what an earlier host wrote down', async () => {
  const clock = new Clock();
  const kept = new Map<string, Finding>();
  const store = {
    putFinding: async (one: Finding) => void kept.set(one.key, structuredClone(one)),
    findings: async () => [...kept.values()],
  };
  let quantities: BoundedQuantity[] = [];
  const start = () => createQuantitySource({ time: clock, log: silentLog, store, read: () => quantities });
  let source = start();
  let seen: Awaited<ReturnType<typeof source>> = [];
  for (let minute = 0; minute < 34 * 60; minute += 5) {
    clock.wall = T0 + minute * 60_000;
    const hours = Math.max(0, minute / 60 - 25);
    quantities = [{ quantity: 'disk', agent: null, value: Math.round((60 + 2 * hours) * GB), limit: 100 * GB }];
    if (minute === 26 * 60) source = start();
    seen = await source();
  }
  expect(seen).toMatchObject([{ fingerprint: 'disk:host', word: 'leaking', agent: null }]);
  expect(seen[0]!.text).toMatch(/^the disk of the store grows by 2\.0 GB an hour: 7\d\.\d GB of 100\.0 GB$/);
  expect(Math.abs(seen[0]!.hitsAt! - (T0 + 45 * HOUR))).toBeLessThan(HOUR);
  quantities = [];
  expect(await source()).toEqual([]);
});

it('a pool that has run dry is no end of its warning; one that has room again is', async () => {
  const clock = new Clock();
  const store = { putFinding: async () => {}, findings: async () => [] };
  let value = 0;
  const read = () => [{ quantity: 'pool' as const, agent: 'shop', value, limit: 20 }];
  const source = createQuantitySource({ time: clock, log: silentLog, store, read });
  let seen: Awaited<ReturnType<typeof source>> = [];
  const live = async (hours: number, held: (hour: number) => number) => {
    const from = clock.wall;
    for (let minute = 0; minute < hours * 60; minute += 5) {
      clock.wall = from + minute * 60_000;
      value = held(minute / 60);
      seen = await source();
    }
  };
  await live(16, (hour) => Math.min(20, Math.floor((hour / 14) * 20)));
  await live(6, () => 20);
  expect(seen).toMatchObject([{ word: 'leaking', text: 'pools of shop are dry: 20 of 20 connections are held' }]);
  await live(2, () => 4);
  expect(seen).toEqual([]);
});

it('reads the machine, the write-ahead log, the folder of logs and the pools of each agent', async () => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-quantities-'));
  mkdirSync(join(folder, 'logs'));
  writeFileSync(join(folder, 'store.db-wal'), 'x'.repeat(300));
  writeFileSync(join(folder, 'logs/one.log'), 'x'.repeat(200));
  const pools = { held: 3, idle: 1, waiting: 0, max: 5, takenBack: 0 };
  const workers = [
    { agent: 'shop', pools },
    { agent: 'shop', pools },
    { agent: 'news', pools: null },
  ];
  const view = () => ({ cells: [], workers }) as unknown as WorkersView;
  const room = async () => ({ memoryFree: 4, memoryTotal: 10, diskFree: 1_000, diskTotal: 5_000 });
  const facts = { store: { file: join(folder, 'store.db') }, logFolder: join(folder, 'logs') };
  const money = { agent: 'shop', which: 'money', spent: 5, limit: 9 } as const;
  const budgets = () => ({ day: '2026-11-24', end: T0 + HOUR, budgets: [money] });
  expect(await readQuantities({ room, facts, workers: { view }, budgets })).toEqual([
    { quantity: 'memory', agent: null, value: 6, limit: 10 },
    { quantity: 'disk', agent: null, value: 4_000, limit: 5_000 },
    { quantity: 'wal', agent: null, value: 300, limit: 1_300 },
    { quantity: 'logs', agent: null, value: 200, limit: 1_200 },
    { quantity: 'pool', agent: 'shop', value: 6, limit: 10 },
    {
      quantity: 'spend',
      agent: 'shop',
      value: 5,
      limit: 9,
      budget: { which: 'money', day: '2026-11-24', end: T0 + HOUR },
    },
  ]);
});
