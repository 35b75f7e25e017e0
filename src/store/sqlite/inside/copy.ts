import { statSync } from 'node:fs';
import { backup } from 'node:sqlite';
import { Fault } from '../../../kernel/fault.ts';
import type { StoreCopy } from '../../../telemetry/ports.ts';
import { openForReading, openForWriting } from './open.ts';

/**
 * Copies a store that others write to into an empty file, and proves that the copy can be worked with. Throws a `Fault`, or what
 * SQLite throws.
 *
 * The copy is made in one step, outside of the loop: a copy of several steps begins anew whenever another connection writes in
 * between, and beside a busy host may never end.
 */
export async function copyStore(file: string, to: string): Promise<StoreCopy> {
  const store = openForReading(file);
  try {
    await backup(store, to, { rate: 2 ** 31 - 1 });
  } finally {
    store.close();
  }
  return proveFile(to);
}

/**
 * Proves that a copy of a store, which nobody else has open, can be worked with: it opens, is brought to the schema of
 * today, and SQLite finds it whole. The copy has no log beside it afterwards. Throws a `Fault`: `STORE_CORRUPT`,
 * `STORE_NEWER`.
 */
export function proveFile(file: string): StoreCopy {
  const db = openForWriting(file);
  try {
    const found = db
      .prepare('PRAGMA integrity_check(3)')
      .all()
      .map((row) => String(Object.values(row)[0]));
    if (found.length !== 1 || found[0] !== 'ok') {
      throw new Fault({
        code: 'STORE_CORRUPT',
        message: `the store is damaged: ${found.join('; ')}`,
        next: 'take an older backup: daruma backup list',
        file,
      });
    }
    const jobs = Number(Object.values(db.prepare('SELECT count(*) FROM job').get()!)[0]);
    db.exec('PRAGMA journal_mode = DELETE');
    return { jobs, bytes: statSync(file).size };
  } finally {
    db.close();
  }
}
