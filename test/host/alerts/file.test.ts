import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openAlertFile } from '../../../src/host/alerts/local.ts';

const MB = 1024 ** 2;
let folder: string | undefined;
afterEach(() => folder && rmSync(folder, { recursive: true, force: true }));

it('the file of alerts is put aside when it is large, at most two of them are there, and no block is lost or written twice', () => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-alert-file-'));
  const path = join(folder, 'deep/alerts.log');
  const block = (n: number) => `[al-${n} 1] ${'x'.repeat(50_000)}`;
  let file = openAlertFile(path);
  for (let n = 0; n < 60; n++) {
    file.add(`[al-${n} 1]`, block(n));
    // A host that was killed after it wrote, and before it wrote down that it did.
    if (n % 7 === 0) file = openAlertFile(path);
    file.add(`[al-${n} 1]`, block(n));
  }
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(path).size).toBeLessThan(1.1 * MB);
  expect(statSync(`${path}.1`).size).toBeLessThan(1.1 * MB);
  expect(existsSync(`${path}.2`)).toBe(false);
  const kept = [`${path}.1`, path].flatMap((name) => readFileSync(name, 'utf8').match(/\[al-\d+ 1\]/g) ?? []);
  const first = 60 - kept.length;
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => `[al-${first + at} 1]`));
  expect(kept.length).toBeGreaterThan(20);
});

it('a file that was just put aside is no reason to write a block twice', () => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-alert-file-'));
  const path = join(folder, 'alerts.log');
  openAlertFile(path).add('[al-0 1]', `[al-0 1] ${'x'.repeat(2 * MB)}`);
  const file = openAlertFile(path);
  file.add('[al-1 1]', '[al-1 1] small');
  rmSync(path);
  openAlertFile(path).add('[al-2 1]', '[al-2 1] small');
  expect(readFileSync(path, 'utf8')).toBe('[al-2 1] small\n');
});
