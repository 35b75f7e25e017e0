import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFolder, lockStore } from '../../src/host/lifecycle/lock.ts';
import { machineTime } from '../../src/kernel/time.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-lock-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('one host has a folder, and the next one when it has let go', async () => {
  const lock = await lockFolder(folder, { time: machineTime });
  await expect(lockFolder(folder, { time: machineTime })).rejects.toMatchObject({ plain: { code: 'HOST_RUNNING' } });
  await lock.release();
  await (await lockFolder(folder, { time: machineTime })).release();
});

it('one host has a store that lies elsewhere: a copy of its folder names the same one', () => {
  const [live, copy, store] = ['live', 'copy', 'stores/one.db'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const place of [live, copy]) mkdirSync(place);
  const release = lockStore(live, store);
  expect(() => lockStore(copy, store)).toThrow(
    expect.objectContaining({ plain: expect.objectContaining({ code: 'STORE_TAKEN' }) }),
  );
  release();
  lockStore(copy, store)();
});

it('a store in the folder needs no lock of its own', () => {
  lockStore(folder, join(folder, 'data/daruma.db'))();
  expect(readdirSync(folder)).toEqual([]);
});
