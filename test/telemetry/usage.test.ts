import { expect, test } from 'vitest';
import { MB } from '../../src/kernel/measures.ts';
import type { AgentUsage, UsageStore } from '../../src/telemetry/ports.ts';
import { createUsageMeter } from '../../src/telemetry/usage.ts';
import { Clock } from '../clock.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

function world() {
  const clock = new Clock();
  const rows: AgentUsage[] = [];
  const pruned: string[] = [];
  const disk = { refuses: false };
  const store: UsageStore = {
    async addUsage(more) {
      if (disk.refuses) throw new Error('no space');
      for (const row of more) rows.push(row);
    },
    usageRows: async () => [],
    pruneDays: async (before) => void pruned.push(before),
  };
  const errors: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (text: string) => void errors.push(text) };
  const meter = createUsageMeter({
    meter: { count: () => {}, gauge: () => {} },
    ...{ time: clock, log, store, timezone: () => 'UTC' },
    disk: async () => new Map([['a', 5 * MB]]),
  });
  const read = (worker: string, heapBytes: number, cpu: number | null = 0.5) =>
    meter.read([{ worker, agent: 'a', at: clock.monotonic(), heapBytes, externalBytes: MB, childrenBytes: 0, cpu }]);
  const sum = (part: 'heapKbs' | 'nativeKbs' | 'cpuMs') => rows.reduce((all, row) => all + row[part], 0);
  return { clock, rows, pruned, disk, errors, meter, read, sum };
}

test('sums up bytes and processor time over the time between readings, on every worker of an agent', async () => {
  const { clock, meter, read, sum, rows, pruned } = world();
  await meter.start();
  for (let second = 0; second < 120; second++) {
    read('w1', 10 * MB);
    read('w2', 20 * MB);
    await clock.pass(SECOND);
  }
  await meter.stop();
  expect(sum('heapKbs')).toBe(30 * 1_024 * 120);
  expect(sum('nativeKbs')).toBe(2 * 1_024 * 120);
  expect(sum('cpuMs')).toBe(2 * 60 * SECOND);
  expect(rows.map(({ diskBytes }) => diskBytes)).toContain(5 * MB);
  expect(pruned).toEqual(['2024-11-24']);
});

test('processor time of a command counts on the day on which it ended', async () => {
  const { clock, meter, sum } = world();
  await meter.start();
  meter.ranCommand('a', 250);
  await clock.pass(60 * SECOND);
  meter.ranCommand('a', 30);
  await meter.stop();
  expect(sum('cpuMs')).toBe(280);
});

test('a worker that was silent counts for a few seconds, and parts of a whole are not lost', async () => {
  const { clock, meter, read, sum } = world();
  await meter.start();
  read('w1', 100);
  await clock.pass(HOUR);
  read('w1', 100);
  for (let n = 0; n < 99; n++) {
    await clock.pass(100);
    read('w1', 100);
  }
  await clock.pass(60 * SECOND);
  await meter.stop();
  expect(sum('heapKbs')).toBe(Math.floor(((1 + 1 + 9.9) * 100) / 1_024));
});

test('a day begins at midnight, and what the store refused is written later', async () => {
  const { clock, meter, read, rows, disk, errors } = world();
  clock.wall = Date.UTC(2026, 10, 24, 23, 59, 59);
  await meter.start();
  disk.refuses = true;
  read('w1', MB);
  await clock.pass(61 * SECOND);
  read('w1', MB);
  disk.refuses = false;
  await clock.pass(60 * SECOND);
  await meter.stop();
  expect(errors).toEqual(['what agents used could not be kept']);
  expect(new Set(rows.map(({ day }) => day))).toEqual(new Set(['2026-11-24', '2026-11-25']));
});
