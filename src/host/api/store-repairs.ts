import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { StoreView, UnreadableView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { silentLog } from '../../kernel/log.ts';
import { machineTime } from '../../kernel/time.ts';
import { openStore, openStoreForReading } from '../../store/open.ts';
import type { Aside } from '../../telemetry/ports.ts';
import { openConfigFiles } from '../config/files.ts';
import { readConfig } from '../config/read.ts';
import { lockFolder } from '../lifecycle/lock.ts';

/** The number of rows set aside that are shown. */
const MOST_SHOWN = 1_000;

/** Looks at the store of an installation, at every row and at the file; beside a running host, too, which notices nothing. */
export async function lookAtStore(folder: string): Promise<Omit<StoreView, 'mended'>> {
  const file = storeFileOf(folder);
  const store = openStoreForReading({ file: file });
  try {
    const { schema, bytes, detail } = await store.health({ thorough: true });
    // Damage that the store names may end the look at the rows, too.
    const orNothing = <T>(rows: Promise<T[]>) => (detail === null ? rows : rows.catch((): T[] => []));
    const unreadable = (await orNothing(store.unreadable())).map(viewUnreadable);
    const asides = await orNothing(store.asides({ limit: MOST_SHOWN }));
    const setAside = asides.map((one) => ({
      id: one.id,
      at: isoOf(one.at),
      ...viewUnreadable(one),
      content: one.content,
    }));
    return { file, schema, bytes, integrity: detail ?? 'ok', unreadable, setAside };
  } finally {
    store.close();
  }
}

/** Sets aside what cannot be read while no host runs; the next one tells of it. Returns how many rows. */
export async function mendStore(folder: string): Promise<number> {
  const file = storeFileOf(folder);
  const lock = await lockFolder(folder, { time: machineTime });
  const store = openStore({ time: machineTime, log: silentLog }, { file });
  try {
    await store.start();
    return await store.setAside();
  } finally {
    await store.stop();
    await lock.release();
  }
}

/** Throws a Fault when there is none. */
function storeFileOf(folder: string): string {
  const { settings } = readConfig(openConfigFiles(folder), { unattended: true, now: machineTime.now() });
  const file = resolve(folder, settings.store.file);
  if (existsSync(file)) return file;
  throw new Fault({ code: 'STORE_MISSING', message: 'there is no store yet', next: 'daruma start', file });
}

function viewUnreadable({
  source,
  name,
  agent,
  why,
}: Pick<Aside, 'source' | 'name' | 'agent' | 'why'>): UnreadableView {
  return { table: source, row: name, agent, why };
}
