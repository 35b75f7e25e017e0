import { statSync } from 'node:fs';
import { Fault } from '../../../kernel/fault.ts';
import type { StoreCopy } from '../../../telemetry/ports.ts';
import { openForWriting } from './open.ts';

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
