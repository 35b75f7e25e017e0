import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../kernel/fault.ts';
import type { ReadOnlyStore, ReadPorts, Sync } from '../ports.ts';
import { asideWrites } from './inside/aside/set-aside.ts';
import { isUnreadable, storeFault } from './inside/faults.ts';
import { restoreMissing } from './inside/migrate.ts';
import { openForReading } from './inside/open.ts';
import { openReads } from './inside/tables.ts';

/**
 * Opens a store for reading while its host is down; works beside a running host too. Throws a `Fault`: `STORE_MISSING`, `STORE_OLDER`,
 * `STORE_NEWER`, `STORE_CORRUPT`, `STORE_READONLY`. Rows that cannot be read are left out, as they will be once a host has set
 * them aside: the first call that meets one is answered, as all after it, from a copy. The store is to be closed after use.
 */
export function openReadOnly(file: string): ReadOnlyStore {
  const db = openForReading(file);
  let copy: ReturnType<typeof mendedCopy> | undefined;
  const own = ownReads();

  /** A store that lacks a table or an index has them in its copy. */
  function ownReads(): Sync<ReadPorts> {
    try {
      return openReads(db, file);
    } catch {
      copy = mendedCopy(db, file);
      return copy.reads;
    }
  }

  function call(name: keyof ReadPorts, args: never[]): unknown {
    try {
      return ((copy?.reads ?? own)[name] as (...a: never[]) => unknown)(...args);
    } catch (thrown) {
      if (copy || !isUnreadable(thrown)) throw thrown instanceof Fault ? thrown : new Fault(storeFault(thrown, file));
    }
    copy = mendedCopy(db, file);
    return call(name, args);
  }

  const methods = NAMES.map((name) => [name, async (...args: never[]) => call(name, args)]);
  return {
    ...(Object.fromEntries(methods) as ReadPorts),
    close() {
      copy?.close();
      db.close();
    },
  };
}

/** The store as it will be, in a folder of this user's own. */
function mendedCopy(db: DatabaseSync, file: string) {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-read-'));
  const path = join(folder, 'store.db');
  let copy: DatabaseSync | undefined;
  const close = () => {
    process.off('exit', close);
    if (copy?.isOpen) copy.close();
    rmSync(folder, { recursive: true, force: true });
  };
  // `daruma status | head -1` ends the process as soon as its reader has enough.
  process.once('exit', close);
  try {
    db.prepare('VACUUM INTO ?').run(path);
    copy = new DatabaseSync(path);
    restoreMissing(copy, Date.now());
    asideWrites(copy).setAside(Date.now());
    return { reads: openReads(copy, file) as Sync<ReadPorts>, close };
  } catch (thrown) {
    close();
    throw new Fault(storeFault(thrown, file), { cause: thrown });
  }
}

const NAMES: readonly (keyof ReadPorts)[] = [
  'get',
  'list',
  'ids',
  'count',
  'countStale',
  'batch',
  'batches',
  'batchItems',
  'overview',
  'runs',
  'deadByCause',
  'waitFacts',
  'slots',
  'nextSlots',
  'events',
  'causesOf',
  'agentFigures',
  'hourFigures',
  'slotFigures',
  'aggregates',
  'aggregateSums',
  'durationSketches',
  'metrics',
  'heartbeats',
  'findings',
  'alerts',
  'spendRows',
  'usageRows',
  'paused',
  'incident',
  'incidents',
  'quarantines',
  'mutes',
  'unreadable',
  'asides',
  'health',
  'stateEntries',
  'stateSizes',
  'keptBytes',
];
