import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRollingFile, type RollingFile } from '../../src/telemetry/rolling-file.ts';

const NOON = new Date(2026, 10, 26, 12).getTime();
const MIDNIGHT = new Date(2026, 10, 27).getTime();

let folder: string;
let file: RollingFile | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-rolling-'));
});
afterEach(() => {
  file?.stream.end();
  file = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const opened = (now = NOON, at = folder, maxFileBytes = 100) => {
  file = openRollingFile({ folder: at, stream: 'daruma', maxFileBytes, keptBytes: 1_000 }, now);
  return file;
};
const write = (text: string, now: number) => {
  file!.turn(now);
  file!.stream.write(text);
};
const names = (at = folder) => readdirSync(at).sort();
const text = (name: string, at = folder) => readFileSync(join(at, name), 'utf8');

it('begins another file with the first line after midnight, whenever that comes', () => {
  opened();
  write('old\n', MIDNIGHT - 1);
  write('new\n', MIDNIGHT);
  write('much later\n', MIDNIGHT + 3 * 86_400_000);
  expect(text('daruma.2026-11-26.1.log')).toBe('old\n');
  expect(text('daruma.2026-11-27.1.log')).toBe('new\n');
  expect(text('daruma.2026-11-30.1.log')).toBe('much later\n');
});

it('begins another file when this one has its size, and goes on in the last one after a restart', () => {
  opened();
  for (const sign of 'abc') write(`${sign.repeat(60)}\n`, NOON);
  expect(names()).toEqual(['daruma.2026-11-26.1.log', 'daruma.2026-11-26.2.log']);
  file!.stream.end();
  writeFileSync(join(folder, 'daruma.2026-11-26.10.log'), 'before\n');
  opened();
  write('after\n', NOON);
  expect(text('daruma.2026-11-26.10.log')).toBe('before\nafter\n');
});

it('never turns back with the clock: the newest file is the last by name', () => {
  opened(MIDNIGHT);
  write('one\n', MIDNIGHT);
  write('two\n', MIDNIGHT - 86_400_000);
  expect(names()).toEqual(['daruma.2026-11-27.1.log']);
});

it('works in a folder of any name', () => {
  for (const name of [
    'app:prod',
    'x*y',
    'x?y',
    'x"y',
    'x|y',
    'x<y>',
    '#1',
    'a%20b',
    'a\\b',
    'new\nline',
    ' blank ',
    'é',
  ]) {
    const at = join(folder, name, 'logs');
    opened(NOON, at);
    write(`${'x'.repeat(120)}\n`, NOON);
    write('next\n', NOON);
    expect(names(at)).toEqual(['daruma.2026-11-26.1.log', 'daruma.2026-11-26.2.log']);
    file!.stream.end();
  }
  file = undefined;
});

it('says what is open and where it should lie, so that somebody can see that they are no more one file', () => {
  const { held } = opened();
  write('one\n', NOON);
  const { path, id } = held();
  const { dev, ino } = statSync(path, { bigint: true });
  expect(id).toBe(`${dev}:${ino}`);
  renameSync(path, `${path}.1`);
  write('two\n', NOON);
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\ntwo\n');
  file!.reopen();
  write('three\n', NOON);
  expect(readFileSync(path, 'utf8')).toBe('three\n');
  expect(held().path).toBe(path);
  expect(held().id).not.toBe(id);
});

it('is made anew with its folder; where that cannot be, it says why and goes on with what is open', async () => {
  const logs = join(folder, 'logs');
  opened(NOON, logs);
  rmSync(logs, { recursive: true });
  file!.reopen();
  write('back\n', NOON);
  expect(text('daruma.2026-11-26.1.log', logs)).toBe('back\n');
  renameSync(logs, `${logs}.old`);
  writeFileSync(logs, 'no folder');
  for (let times = 0; times < 3; times++) expect(() => file!.reopen()).toThrow();
  write('still open\n', NOON);
  // Its time has come, and it cannot be opened.
  write('and on\n', MIDNIGHT);
  expect(text('daruma.2026-11-26.1.log', `${logs}.old`)).toBe('back\nstill open\nand on\n');
  rmSync(logs);
  mkdirSync(logs);
  file!.reopen();
  await new Promise(setImmediate);
  appendFileSync(join(folder, 'another'), 'nobody closed what is not his');
  write('last\n', MIDNIGHT + 2_000);
  expect(text('daruma.2026-11-27.1.log', logs)).toBe('last\n');
});
