import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
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

it('one host has a store, by whichever name another one gives for it', () => {
  mkdirSync(join(folder, 'live/data'), { recursive: true });
  symlinkSync(join(folder, 'live'), join(folder, 'linked'));
  const store = join(folder, 'live/data/daruma.db');
  const release = lockStore(store);
  for (const name of [store, join(folder, 'linked/data/daruma.db')]) {
    expect(() => lockStore(name)).toThrow(
      expect.objectContaining({ plain: expect.objectContaining({ code: 'STORE_TAKEN' }) }),
    );
  }
  release();
  lockStore(store)();
});
