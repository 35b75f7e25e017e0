import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { diskOf } from '../../src/host/bill/disk.ts';
import { DAY_MS } from '../../src/kernel/measures.ts';
import type { MetricFilter } from '../../src/telemetry/meter/ports.ts';

/** A folder with log files of so many bytes. */
function logsOf(...sizes: number[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-disk-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [at, bytes] of sizes.entries())
    writeFileSync(join(folder, `daruma.2026-11-2${at}.1.log`), 'x'.repeat(bytes));
  return folder;
}

function world(logFolder: string, written: [agent: string | null, sum: number][]) {
  const asked: MetricFilter[] = [];
  const version = { plugin: 'p' };
  const store = {
    stateSizes: async () => [{ agent: 'loud', bytes: 7 }],
    async metrics(filter: MetricFilter) {
      asked.push(filter);
      return written.map(([agent, sum]) => ({ agent, points: [{ at: 0, value: { kind: 'counter', sum } }] }));
    },
  };
  const catalog = {
    agents: () => new Map(['loud', 'quiet'].map((name) => [name, { name, version }])),
    rollouts: { versionsOf: () => [{ bytes: 100 }, { bytes: 300 }] },
  };
  return { asked, read: () => diskOf({ store, catalog, logFolder } as never, Date.now()) };
}

test('the disk of an agent is its state, its share of the versions, and its share of the log files by what it wrote', async () => {
  const { asked, read } = world(logsOf(600, 400), [
    [null, 100],
    ['loud', 250],
    ['gone', 150],
  ]);
  expect(Object.fromEntries(await read())).toEqual({ loud: 7 + 200 + 500, quiet: 200 });
  expect(asked).toMatchObject([{ span: 'day', name: 'log.written' }]);
  expect(asked[0]!.from % DAY_MS).toBe(0);
});

test('before anything was measured nobody has a share of the log', async () => {
  expect(Object.fromEntries(await world(logsOf(600), []).read())).toEqual({ loud: 207, quiet: 200 });
});
