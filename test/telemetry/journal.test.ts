import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { linesBackwards } from '../../src/control/log-files.ts';
import { type Journal, openJournal } from '../../src/telemetry/journal.ts';
import { NO_DISK, smallDisk } from '../e2e/disk.ts';
import { bytesOfLivingFiles } from '../living-folder.ts';

let folder: string;
const open: Journal[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-journal-'));
});
afterEach(() => {
  for (const journal of open.splice(0)) journal.close();
  rmSync(folder, { recursive: true, force: true });
});

async function journalOf(options: Partial<Parameters<typeof openJournal>[0]> = {}) {
  const journal = await openJournal({
    folder,
    level: 'info',
    maxFileBytes: 1024 ** 2,
    budgetBytes: 8 * 1024 ** 2,
    ...options,
  });
  open.push(journal);
  return journal;
}
const lines = () =>
  readdirSync(folder)
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const line = (index: number, data: string | null = null) => ({
  at: 0,
  level: 'info' as const,
  agent: 'a',
  job: 'job-1',
  worker: 'w1',
  message: `line ${index}`,
  data,
});
const bytesLeft = () => bytesOfLivingFiles(folder);

it('has written a line before the call returns', async () => {
  const journal = await journalOf();
  journal.child('host').info('hello', { pid: 7 });
  expect(lines()).toMatchObject([{ level: 'info', room: 'host', msg: 'hello', pid: 7 }]);
});

it('shows no key of a worker at the model gateway, in lines of plugins and of the host, and to nobody who follows', async () => {
  const journal = await journalOf();
  const worker = 'dk-0123456789abcdef0123456789abcdef';
  const key = `${worker}.01JE-7.3`;
  const seen: unknown[] = [];
  journal.follow((one) => seen.push(one));
  const data = JSON.stringify({
    headers: { authorization: `Bearer ${key}` },
    [key]: worker,
    text: JSON.stringify({ key }),
  });
  journal.lines([{ ...line(1, data), message: `asked with ${key}, dk-none and dk-0123` }]);
  journal.child('jobs').warn('failed', { fault: { stack: `at ${key}` } });
  expect(lines()).toMatchObject([
    { msg: 'asked with [secret], dk-none and dk-0123' },
    { fault: { stack: 'at [secret]' } },
  ]);
  expect(JSON.stringify([lines(), seen])).not.toContain(worker);
});

it('shows no secret, in whatever part of the line', async () => {
  const journal = await journalOf();
  journal.hide(['s3cr3t-value']);
  journal
    .child('host')
    .info('token s3cr3t-value', { url: 'https://x/?k=s3cr3t-value', fault: { stack: 'at s3cr3t-value' } });
  expect(JSON.stringify(lines())).not.toContain('s3cr3t');
});

it('writes a line with a secret made of digits as JSON, and tells followers of it', async () => {
  const journal = await journalOf();
  journal.hide(['123456']);
  const seen: unknown[] = [];
  journal.follow((one) => seen.push(one.data));
  journal.lines([line(1, '{"id":123456,"123456":"no 123456"}')]);
  journal.child('host').info('order', { data: { id: 123456 } });
  const data = { id: '[secret]', '[secret]': 'no [secret]' };
  expect(lines()).toMatchObject([{ data }, { data: { id: '[secret]' } }]);
  expect(seen).toEqual([data, { id: '[secret]' }]);
});

it('keeps a line of a plugin whose data are no JSON, and no field that the line brings along', async () => {
  const journal = await journalOf();
  journal.lines([{ ...line(1, '{bad'), room: 'store', msg: 'forged' } as ReturnType<typeof line>]);
  expect(lines()).toMatchObject([{ data: '{bad', msg: 'line 1' }]);
  expect(lines()[0]).not.toHaveProperty('room');
});

it('writes lines of plugins below its own level, for their agent decides', async () => {
  const journal = await journalOf({ level: 'warn' });
  journal.lines([{ ...line(1), level: 'debug' }]);
  journal.child('host').info('not this one');
  expect(lines()).toMatchObject([{ level: 'debug', agent: 'a', job: 'job-1', worker: 'w1', msg: 'line 1' }]);
});

it('tells followers each line once, until they leave', async () => {
  const journal = await journalOf();
  const seen: unknown[] = [];
  const leave = journal.follow((one) => seen.push(one.msg));
  journal.child('host').info('one');
  leave();
  journal.child('host').info('two');
  expect(seen).toEqual(['one']);
});

it('stays within its byte budget through a flood, files of earlier processes included', async () => {
  for (let day = 1; day <= 9; day++) writeFileSync(join(folder, `daruma.2026-01-0${day}.1.log`), 'x'.repeat(500_000));
  const budgetBytes = 4 * 1024 ** 2;
  const journal = await journalOf({ budgetBytes, maxFileBytes: 256 * 1024 });
  const padding = JSON.stringify({ text: 'y'.repeat(500) });
  let most = 0;
  for (let batch = 0; batch < 40; batch++) {
    journal.lines(Array.from({ length: 500 }, (_, index) => line(index, padding)));
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, bytesLeft());
  }
  expect(most).toBeLessThanOrEqual(budgetBytes);
  expect(readdirSync(folder).filter((name) => name.includes('2026-01-01'))).toEqual([]);
  expect(readdirSync(folder).length).toBeGreaterThan(3);
});

it('loses no line that was logged before SIGKILL', () => {
  const script = `
    import { openJournal } from ${JSON.stringify(new URL('../../src/telemetry/journal.ts', import.meta.url).href)};
    const journal = await openJournal({ folder: ${JSON.stringify(folder)}, level: 'info', maxFileBytes: 1e6, budgetBytes: 1e8 });
    for (let i = 0; i < 5000; i++) journal.child('host').info('line ' + i);
    process.kill(process.pid, 'SIGKILL');`;
  expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script])).toThrow();
  expect(lines()).toHaveLength(5_000);
});

it('gives up the older half of its files when it is asked to, and goes on in the newest', async () => {
  const journal = await journalOf({ maxFileBytes: 64 * 1024, budgetBytes: 4 * 1024 ** 2 });
  const log = journal.child('host');
  for (let i = 0; i < 2_000; i++) {
    log.info(`line ${i}`, { filler: 'x'.repeat(400) });
    // Files are rolled between turns of the loop.
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  const before = bytesLeft();
  const freed = journal.shrink();
  expect(bytesLeft()).toBe(before - freed);
  expect(freed).toBeGreaterThanOrEqual(before / 2 - 128 * 1024);
  log.info('after');
  expect([...linesBackwards(folder)].map(({ msg }) => msg)).toContain('after');
});

it('tells how many lines a full disk has cost, as soon as it can write again', async (context) => {
  const disk = smallDisk(4_000_000, { at: folder }) ?? context.skip(NO_DISK);
  try {
    const journal = await journalOf({ folder: join(disk.path, 'logs') });
    const written = () => [...linesBackwards(join(folder, 'logs'))] as { lost?: number; agent?: string }[];
    for (const times of [2_000, 1_500]) {
      disk.fill();
      for (let n = 0; n < times; n++) journal.lines([{ ...line(n), data: JSON.stringify('x'.repeat(1_000)) }]);
      const before = journal.dropped();
      expect(before).toBeGreaterThan(100);
      disk.free();
      journal.child('host').info('there is space');
      await new Promise((resolve) => setImmediate(resolve));
      expect(journal.dropped()).toBe(before);
    }
    const told = written().flatMap(({ lost }) => lost ?? []);
    expect(told).toHaveLength(2);
    expect(told[0]! + told[1]!).toBe(journal.dropped());
    expect(written().filter(({ agent }) => agent === 'a')).toHaveLength(3_500 - journal.dropped());
    for (const one of open.splice(0)) one.close();
  } finally {
    disk.unmount();
  }
});

it('goes on after a full disk although no line is short enough for what is left of its memory', async (context) => {
  const disk = smallDisk(4_000_000, { at: folder }) ?? context.skip(NO_DISK);
  try {
    const journal = await journalOf({ folder: join(disk.path, 'logs') });
    disk.fill();
    for (let n = 0; n < 2_000; n++) journal.lines([{ ...line(n), data: JSON.stringify('x'.repeat(1_000)) }]);
    // What room there is in memory is taken by shorter and shorter lines.
    for (let n = 0; n < 50; n++) journal.child('h').info('');
    const before = journal.dropped();
    disk.free();
    for (let n = 0; n < 10; n++) journal.child('h').info('there is space');
    expect(journal.dropped()).toBeLessThanOrEqual(before + 1);
    for (const one of open.splice(0)) one.close();
  } finally {
    disk.unmount();
  }
});

it('says how many bytes were written for each agent since it was asked last, and how many for the host', async () => {
  const journal = await journalOf();
  journal.lines([line(1), { ...line(2), agent: 'b' }, line(3)]);
  journal.child('host').info('täglich');
  const written = journal.takeWritten();
  expect([...written.keys()]).toEqual(['a', 'b', null]);
  const [file] = readdirSync(folder);
  expect([...written.values()].reduce((sum, bytes) => sum + bytes, 0)).toBe(statSync(join(folder, file!)).size);
  expect(written.get('a')).toBeGreaterThan(1.9 * written.get('b')!);
  expect([...journal.takeWritten()]).toEqual([]);
});
