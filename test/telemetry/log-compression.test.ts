import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { countLineEnds, linesBackwards, logFilesIn, placedLinesBackwards } from '../../src/control/log-files.ts';
import { openLogText } from '../../src/control/log-text.ts';
import { packFrameTable, unpackFrameTable } from '../../src/kernel/zstd-frames.ts';
import { openJournal } from '../../src/telemetry/journal.ts';
import { compressLogFile } from '../../src/telemetry/log-compression.ts';
import { NO_DISK, smallDisk } from '../e2e/disk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-compression-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const T0 = Date.parse('2026-11-22T11:00:00.000Z');
const line = (n: number) =>
  `${JSON.stringify({ level: 'info', time: new Date(T0 + n * 1_000).toISOString(), msg: `line ${n} ${'ä'.repeat(10 * (n % 40))}` })}\n`;
const textOf = (from: number, until: number) => {
  let text = '';
  for (let n = from; n < until; n++) text += line(n);
  return text;
};
const name = (number: number) => `daruma.2026-11-22.${number}.log`;
const put = (number: number, text: string) => writeFileSync(join(folder, name(number)), text);
const never = () => false;
const WITHIN = { timeout: 15_000 };
const numbers = (lines: Iterable<{ msg: string }>) => [...lines].map(({ msg }) => Number(msg.split(' ')[1]));

it('a compressed file is read as the file that it was, and by zstd; its time and mode stay', async () => {
  const text = textOf(0, 4_000);
  put(1, text);
  put(2, textOf(4_000, 4_010));
  utimesSync(join(folder, name(1)), new Date(T0), new Date(T0));
  const bytes = await compressLogFile(join(folder, name(1)), never);
  expect(readdirSync(folder).sort()).toEqual([`${name(1)}.zst`, name(2)]);
  const packed = join(folder, `${name(1)}.zst`);
  expect(statSync(packed).mode & 0o777).toBe(0o600);
  expect(logFilesIn(folder)[1]).toMatchObject({ name: `${name(1)}.zst`, bytes, changedAt: T0 });
  expect(bytes!).toBeLessThan(text.length / 5);
  expect(zstdDecompressSync(readFileSync(packed)).toString()).toBe(text);
  expect(numbers(linesBackwards(folder))).toEqual(Array.from({ length: 4_010 }, (_, n) => 4_009 - n));
  const [placed] = [...placedLinesBackwards(folder)].slice(-1);
  const ends = await countLineEnds(join(folder, placed!.file), placed!.bytes);
  expect([placed!.file, ends - placed!.fromEnd + 1]).toEqual([name(1), 1]);
});

it('any part of the text is the same part of the file before', async () => {
  const text = Buffer.from(textOf(0, 4_000));
  put(1, text.toString());
  await compressLogFile(join(folder, name(1)), never);
  // The name of before is enough: a reader may have listed the folder a moment ago.
  const packed = openLogText(join(folder, name(1)))!;
  expect(packed.bytes).toBe(text.length);
  const part = fc.tuple(fc.nat(text.length), fc.nat(1_500_000));
  fc.assert(
    fc.property(part, ([from, size]) => {
      expect(packed.read(from, size).equals(text.subarray(from, from + size))).toBe(true);
    }),
    { numRuns: 40 },
  );
  packed.close();
});

it('a damaged part costs its own lines, and no others; what has no table is no log', async () => {
  put(1, textOf(0, 4_000));
  await compressLogFile(join(folder, name(1)), never);
  const packed = join(folder, `${name(1)}.zst`);
  const bytes = readFileSync(packed);
  bytes.fill(0x55, 1_000, 1_100);
  writeFileSync(packed, bytes);
  const left = numbers(linesBackwards(folder));
  expect(left.length).toBeGreaterThan(1_000);
  // The first frame is before the damage, and small.
  const early = left.filter((n) => n < 1_000).length;
  const late = Array.from({ length: left.length - early }, (_, n) => 3_999 - n);
  expect(left).toEqual([...late, ...Array.from({ length: early }, (_, n) => early - 1 - n)]);
  expect(early).toBeGreaterThan(5);
  for (const cut of [bytes.length - 1, 100, 3, 0]) {
    writeFileSync(packed, bytes.subarray(0, cut));
    expect([...linesBackwards(folder)]).toEqual([]);
  }
  const sizes = fc.array(fc.record({ packed: fc.nat(0xffffffff), plain: fc.nat(0xffffffff) }), { maxLength: 20 });
  fc.assert(fc.property(sizes, (frames) => void expect(unpackFrameTable(packFrameTable(frames))).toEqual(frames)));
});

it('files that were begun after the time that is asked for are not decompressed', async () => {
  for (const [number, from] of [
    [1, 0],
    [2, 10],
    [3, 20],
  ] as const) {
    put(number, textOf(from, from + 10));
    await compressLogFile(join(folder, name(number)), never);
  }
  const lines = [...placedLinesBackwards(folder, T0 + 15_000)].map(({ line: one }) => one);
  expect(numbers(lines)).toEqual(Array.from({ length: 20 }, (_, n) => 19 - n));
});

it('a process that is killed while it compresses loses no line, and the next one goes on', async () => {
  const source = (path: string) => JSON.stringify(new URL(`../../src/telemetry/${path}`, import.meta.url).href);
  const count = 8_000;
  put(1, textOf(0, count));
  const isWhole = () => {
    const found = numbers(linesBackwards(folder));
    expect(found.length).toBe(count);
    expect(new Set(found).size).toBe(count);
  };
  const script = `
    import { compressLogFile } from ${source('log-compression.ts')};
    import { cpSync, renameSync } from 'node:fs';
    const file = ${JSON.stringify(join(folder, name(1)))};
    process.stdout.write('begun');
    await compressLogFile(file, () => false);
    process.stdout.write('done');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  while (!readdirSync(folder).some((one) => one.endsWith('.tmp') || one.endsWith('.zst')))
    await new Promise(setImmediate);
  child.kill('SIGKILL');
  await once(child, 'close');
  isWhole();
  // Killed between the last two steps: both files are there, with one time.
  const raw = join(folder, name(1));
  writeFileSync(raw, textOf(0, count));
  rmSync(`${raw}.zst`, { force: true });
  await compressLogFile(raw, never);
  writeFileSync(raw, textOf(0, count));
  const { atime, mtime } = statSync(`${raw}.zst`);
  utimesSync(raw, atime, mtime);
  writeFileSync(`${join(folder, name(2))}.zst.tmp`, 'half');
  isWhole();
});

it('the log compresses what it has closed, keeps its budget with all of it, and loses no line', async () => {
  const budgetBytes = 16 * 1024 ** 2;
  const journal = await openJournal({ folder, level: 'info', maxFileBytes: 64 * 1024, budgetBytes });
  let most = 0;
  for (let n = 0; n < 4_000; n++) {
    journal.child('host').info(`line ${n}`, { filler: 'x'.repeat(700) });
    if (n % 100 > 0) continue;
    await new Promise(setImmediate);
    most = Math.max(
      most,
      logFilesIn(folder).reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }
  expect(most).toBeLessThanOrEqual(budgetBytes);
  await expect
    .poll(() => logFilesIn(folder).filter((one) => one.name.endsWith('.zst')).length, WITHIN)
    .toBeGreaterThan(20);
  expect(numbers(linesBackwards(folder))).toEqual(Array.from({ length: 4_000 }, (_, n) => 3_999 - n));
  journal.close();
});

it('a full disk gets the reserve back before a line is lost; the reserve is made again when there is room', async (context) => {
  const disk = smallDisk(4_000_000, { at: folder }) ?? context.skip(NO_DISK);
  try {
    const logs = join(folder, 'logs');
    const options = { folder: logs, level: 'info', maxFileBytes: 64 * 1024, budgetBytes: 2 * 1024 ** 2 } as const;
    const journal = await openJournal(options);
    const hasReserve = () => readdirSync(logs).includes('.reserve');
    const roll = () => journal.child('h').info('x'.repeat(70_000));
    roll();
    await expect.poll(hasReserve, WITHIN).toBe(true);
    disk.fill();
    for (let n = 0; n < 20; n++) journal.child('h').info('y'.repeat(3_000));
    expect(hasReserve()).toBe(false);
    expect(journal.dropped()).toBe(0);
    disk.free();
    roll();
    await expect.poll(hasReserve, WITHIN).toBe(true);
    expect(journal.shrink()).toBeGreaterThanOrEqual(64 * 1024);
    expect(hasReserve()).toBe(false);
    journal.close();
  } finally {
    disk.unmount();
  }
});
