import { mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogFile, planCleanup, streamOf } from '../../plugins/lib/log-files.ts';
import logCleanup from '../../plugins/log-cleanup.ts';
import { runPlugin, tempFolder } from './context.ts';

describe('the stream of a log file', () => {
  it.each([
    ['daruma.2026-11-22.3.log', 'daruma'],
    ['daruma.2026-11-22.12.log.gz', 'daruma'],
    ['daruma.2026-11-22.2.log.zst', 'daruma'],
    ['agents/shop.2026-11-22.1.log', 'agents/shop'],
    ['edge-2026-11-22-13.jsonl', 'edge'],
    ['plain.log', 'plain'],
    ['notes.txt', 'notes'],
  ])('of %s is %s', (path, stream) => expect(streamOf(path)).toBe(stream));
});

describe('a clean-up plan', () => {
  const now = 1_000_000;
  const anyFile = fc.record({
    stream: fc.constantFrom('host', 'edge', 'agents/shop'),
    number: fc.nat(20),
    bytes: fc.nat(1_000),
    writtenAt: fc.integer({ min: 0, max: now }),
  });
  const anyFiles = fc
    .uniqueArray(anyFile, { selector: ({ stream, number }) => `${stream}.${number}`, maxLength: 30 })
    .map((all) => all.map(({ stream, number, ...rest }): LogFile => ({ path: `${stream}.${number}.log`, ...rest })));
  const sum = (files: LogFile[]) => files.reduce((bytes, file) => bytes + file.bytes, 0);

  it('keeps the newest of each stream, fits the budget if it can, and takes no more than it must', () => {
    fc.assert(
      fc.property(anyFiles, fc.nat(12_000), fc.nat(now), (files, budget, keepMs) => {
        const going = planCleanup(files, { budget, keepMs, now });
        const left = files.filter((file) => !going.includes(file));
        const streams = (some: LogFile[]) => new Set(some.map((file) => streamOf(file.path)));
        expect(streams(left)).toEqual(streams(files));
        for (const file of going) {
          const mates = left.filter((other) => streamOf(other.path) === streamOf(file.path));
          expect(Math.max(...mates.map((other) => other.writtenAt))).toBeGreaterThanOrEqual(file.writtenAt);
        }
        const onlyOpenAreLeft = left.length === streams(left).size;
        expect(sum(left) <= budget || onlyOpenAreLeft).toBe(true);
        const oldEnough = going.filter((file) => now - file.writtenAt > keepMs);
        const last = going.at(-1);
        if (last && !oldEnough.includes(last)) expect(sum(left) + last.bytes).toBeGreaterThan(budget);
      }),
    );
  });

  it('counts a file with a higher number as the newer one of the same instant', () => {
    const files = ['x.9.log', 'x.10.log'].map((path) => ({ path, bytes: 1, writtenAt: 5 }));
    expect(planCleanup(files, { budget: 0, keepMs: 9, now: 5 })).toEqual([files[0]]);
  });
});

describe('log-cleanup', () => {
  const day = 86_400_000;

  function write(folder: string, name: string, bytes: number, days: number) {
    const file = join(folder, 'logs', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.alloc(bytes));
    utimesSync(file, new Date(), new Date(Date.now() - days * day));
  }

  it('deletes by age and by bytes, oldest first, and leaves the open files alone', async () => {
    const folder = tempFolder();
    write(folder, 'daruma.2026-10-01.1.log', 100, 52);
    write(folder, 'daruma.2026-11-20.1.log', 3_000, 2);
    write(folder, 'daruma.2026-11-21.1.log', 500, 1);
    write(folder, 'daruma.2026-11-22.1.log', 300, 0);
    write(folder, 'edge/edge.2026-09-01.1.log', 200, 80);
    symlinkSync('daruma.2026-11-22.1.log', join(folder, 'logs/current.log'));
    const { result, summary } = await runPlugin(logCleanup, { folder, settings: { budget: '1KB' } });
    expect(result).toEqual({ deleted: 2, freedBytes: 3_100, leftBytes: 1_000 });
    expect(readdirSync(join(folder, 'logs')).sort()).toEqual([
      'current.log',
      'daruma.2026-11-21.1.log',
      'daruma.2026-11-22.1.log',
      'edge',
    ]);
    expect(summary).toBe('Deleted 2 files (3 KB), 1000 B left.');
  });

  it('says so when the open files alone are above the budget', async () => {
    const folder = tempFolder();
    write(folder, 'daruma.2026-11-22.1.log', 300, 0);
    const { result, warnings } = await runPlugin(logCleanup, { folder, settings: { budget: '0B' } });
    expect(result).toEqual({ deleted: 0, freedBytes: 0, leftBytes: 300 });
    expect(warnings).toEqual([expect.stringContaining('open files alone')]);
  });
});
