import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/index.ts';
import { describeStore } from './conformance.ts';

describeStore('the embedded store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-store-'));
  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file: join(folder, 'store.db') });
  const close = async () => {
    await store.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await store.start();
    return { store, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
});
