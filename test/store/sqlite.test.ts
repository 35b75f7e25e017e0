import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { describeStore } from './conformance.ts';

describeStore('the embedded store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-store-'));
  const clock = { now: 0 };
  // Its wall clock is never set back by itself: laws that turn it back mean another time, not another clock.
  const time = { ...machineTime, now: () => clock.now, monotonic: () => clock.now };
  const store = createSqliteStore({ time, log: silentLog }, { file: join(folder, 'store.db') });
  const close = async () => {
    await store.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await store.start();
    return { store, other: store, clock, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
});
