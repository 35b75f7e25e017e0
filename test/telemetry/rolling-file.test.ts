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
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRollingFile, type RollingFile } from '../../src/telemetry/journal.ts';

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

const opened = async (at = folder, maxFileBytes = 1024) => {
  file = await openRollingFile({ folder: at, stream: 'daruma', maxFileBytes, keptBytes: 10_000 });
  return file;
};
const names = (at = folder) => readdirSync(at).sort();
/** The name of today's file of that number. */
const today = (number: number) => basename(file!.held().path).replace(/\d+\.log$/, `${number}.log`);
const text = (number: number, at = folder) => readFileSync(join(at, today(number)), 'utf8');

it('begins another file when this one has its size, and goes on in the last one after a restart', async () => {
  await opened();
  for (const sign of 'abc') file!.stream.write(`${sign.repeat(600)}\n`);
  await expect.poll(() => names()).toEqual([today(1), today(2)]);
  file!.stream.end();
  writeFileSync(join(folder, today(10)), 'before\n');
  await opened();
  file!.stream.write('after\n');
  expect(text(10)).toBe('before\nafter\n');
});

it('works in folders that people have, and refuses one that pino-roll does not take, by its sign', async () => {
  for (const name of ['#1', 'a%20b', 'a%b', ' blank ', 'é', "it's", '$HOME', '[x]', 'new\nline']) {
    const at = join(folder, name, 'logs');
    await opened(at);
    file!.stream.write('line\n');
    expect(text(1, at)).toBe('line\n');
    file!.stream.end();
  }
  file = undefined;
  for (const sign of [':', '*', '?', '"', '|', '<', '>']) {
    const refused = openRollingFile({
      folder: join(folder, `x${sign}y`),
      stream: 'daruma',
      maxFileBytes: 1,
      keptBytes: 1,
    });
    await expect(refused).rejects.toMatchObject({ plain: { code: 'FOLDER_NAME' } });
  }
  expect(names()).not.toContain('x:y');
});

it('says what is open and where it should lie, so that somebody can see that they are no more one file', async () => {
  const { held } = await opened();
  file!.stream.write('one\n');
  const { path, id } = held();
  const { dev, ino } = statSync(path, { bigint: true });
  expect(id).toBe(`${dev}:${ino}`);
  renameSync(path, `${path}.1`);
  file!.stream.write('two\n');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\ntwo\n');
  file!.reopen();
  file!.stream.write('three\n');
  expect(readFileSync(path, 'utf8')).toBe('three\n');
  expect(held().path).toBe(path);
  expect(held().id).not.toBe(id);
});

it('is made anew with its folder; where that cannot be, it says why and goes on with what is open', async () => {
  const logs = join(folder, 'logs');
  await opened(logs);
  rmSync(logs, { recursive: true });
  file!.reopen();
  file!.stream.write('back\n');
  expect(text(1, logs)).toBe('back\n');
  renameSync(logs, `${logs}.old`);
  writeFileSync(logs, 'no folder');
  for (let times = 0; times < 3; times++) expect(() => file!.reopen()).toThrow();
  file!.stream.write('still open\n');
  expect(text(1, `${logs}.old`)).toBe('back\nstill open\n');
  rmSync(logs);
  mkdirSync(logs);
  file!.reopen();
  await new Promise(setImmediate);
  appendFileSync(join(folder, 'another'), 'nobody closed what is not his');
  file!.stream.write('last\n');
  expect(text(1, logs)).toBe('last\n');
});

it('rolls into a folder that was removed a moment before', async () => {
  const logs = join(folder, 'logs');
  await opened(logs);
  file!.stream.write(`${'a'.repeat(900)}\n`);
  rmSync(logs, { recursive: true });
  file!.stream.write(`${'b'.repeat(900)}\n`);
  await expect.poll(() => basename(file!.held().path)).toBe(today(2));
  file!.stream.write('next\n');
  expect(text(2, logs)).toBe('next\n');
});
