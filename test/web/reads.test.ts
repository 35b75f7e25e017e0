import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, it } from 'vitest';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { openStore } from '../../src/store/open.ts';
import { createReads } from '../../src/web/reads.ts';
import { Clock } from '../clock.ts';

let clean: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of clean.reverse()) await end();
  clean = [];
});

/** An installation without a host, with an empty store. */
async function installationWithStore(): Promise<{ folder: string; file: string }> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-reads-')));
  clean.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'data/daruma.db');
  const store = openStore({ time: machineTime, log: silentLog }, { file });
  await store.start();
  await store.stop();
  return { folder, file };
}

it('answers operations from the store, with the faults of the table', async () => {
  const { folder } = await installationWithStore();
  const reads = createReads({ time: machineTime, folder, stuck: () => {}, idle: () => {} });
  clean.push(() => reads.close());
  expect(await reads.ask('jobs', { limit: 5 }, 'reader')).toEqual([]);
  await expect(reads.ask('jobs', { limit: 0 }, 'reader')).rejects.toMatchObject({ code: 'ARGS_INVALID' });
  await expect(reads.ask('run', { agent: 'a' }, 'operator')).rejects.toMatchObject({ code: 'HOST_DOWN' });
  await expect(reads.ask('configShow', {}, 'reader')).rejects.toMatchObject({ code: 'ROLE_LACKING' });
  expect(await reads.ask('configShow', {}, 'operator')).toMatchObject({ values: expect.any(Array) });
});

it('gives up a read that takes longer than two seconds, and the next read waits for no other', async () => {
  const { folder, file } = await installationWithStore();
  const reads = createReads({ time: machineTime, folder, stuck: () => {}, idle: () => {} });
  clean.push(() => reads.close());
  const other = new DatabaseSync(file);
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE held (x); COMMIT');
  await expect(reads.ask('jobs', {}, 'reader')).rejects.toMatchObject({ code: 'READ_TOO_LONG' });
  other.exec('DROP TABLE held');
  other.close();
  expect(await reads.ask('jobs', {}, 'reader')).toEqual([]);
});

it('ends its thread when nobody has read for half a minute, says so, and begins another for the next read', async () => {
  const { folder } = await installationWithStore();
  const time = new Clock();
  const idle = Promise.withResolvers<void>();
  const reads = createReads({ time, folder, stuck: () => {}, idle: idle.resolve });
  clean.push(() => reads.close());
  await reads.ask('jobs', {}, 'reader');
  await time.pass(30_000);
  await idle.promise;
  reads.beginSoon();
  expect(reads.isReady()).toBe(false);
  await time.pass(300);
  expect(await reads.ask('jobs', {}, 'reader')).toEqual([]);
  expect(reads.isReady()).toBe(true);
});
