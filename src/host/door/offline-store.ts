import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { StoreView } from '../../control/store-view.ts';
import { Fault } from '../../kernel/fault.ts';
import { silentLog } from '../../kernel/log.ts';
import { machineTime } from '../../kernel/time.ts';
import { createSqliteStore, openReadOnly } from '../../store/sqlite/index.ts';
import { openConfigFiles } from '../config/files.ts';
import { readConfig } from '../config/read.ts';
import { lockFolder } from '../life/lock.ts';
import { lookAtStore } from './ops-store.ts';

/**
 * Looks at the store of an installation whose host is down; `mend` sets aside what cannot be read, and the next host tells
 * of it. Rejects with a Fault: there is no store, SQLite does not open it, or a host runs.
 */
export async function storeOffline(folder: string, { mend }: { mend: boolean }): Promise<StoreView> {
  const { settings } = readConfig(openConfigFiles(folder), { unattended: true, now: machineTime.now() });
  const file = resolve(folder, settings.store.file);
  if (!existsSync(file)) {
    throw new Fault({ code: 'STORE_MISSING', message: 'there is no store yet', next: 'daruma start', file });
  }
  return mend ? mended(folder, file) : seen(file);
}

async function seen(file: string): Promise<StoreView> {
  const store = openReadOnly(file);
  try {
    return await lookAtStore({ store, file, mend: undefined });
  } finally {
    store.close();
  }
}

async function mended(folder: string, file: string): Promise<StoreView> {
  const lock = await lockFolder(folder, { time: machineTime });
  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file });
  try {
    await store.start();
    return await lookAtStore({ store, file, mend: () => store.setAside(machineTime.now()) });
  } finally {
    await store.stop();
    await lock.release();
  }
}
