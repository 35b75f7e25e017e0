import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../../kernel/fault.ts';
import { MB } from '../../../kernel/measures.ts';
import { storeFault } from './faults.ts';
import { migrate, schemaOf } from './migrate.ts';
import { SCHEMA } from './schema.ts';

/** Older versions can corrupt a write-ahead log that is reset while two connections look at it. */
const OLDEST_SQLITE = [3, 51, 3] as const;
const OPENED_WITHIN_MS = 5_000;
/**
 * How long a group of calls waits for a process that holds the store. Callers may wait for the group before theirs too, and
 * shall hear what is wrong before they take the host for silent (10 s).
 */
const FREE_WITHIN_MS = 2_000;
/** The log is written back into the file when it has this many pages (16 MB): hot pages are written back once, not often. */
const CHECKPOINT_PAGES = 4_000;
/** SQLite walks the whole table of its cache with each commit, so a large cache costs every job; the system caches the file. */
const CACHE_KIB = 8_192;

/** Opens a store for writing, makes or migrates it. Throws a `Fault` that says what to do. */
export function openForWriting(file: string): DatabaseSync {
  return opened(file, () => {
    const folders = [resolve(dirname(file))];
    if (!existsSync(file)) {
      const made = mkdirSync(folders[0]!, { recursive: true, mode: 0o700 });
      while (made && folders.at(-1)!.length >= made.length) folders.push(dirname(folders.at(-1)!));
      // Only the host's user may read inputs and results of jobs; SQLite's log gets the rights of the file.
      closeSync(openSync(file, 'a', 0o600));
    }
    const db = new DatabaseSync(file, { timeout: OPENED_WITHIN_MS });
    return closedOnFailure(db, () => {
      refuseOldSqlite(db, file);
      schemaOf(db, file);
      // No mmap: a read error of a mapped page is a signal that kills the process, not an error.
      db.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
        PRAGMA journal_size_limit = ${64 * MB};
        PRAGMA cache_size = -${CACHE_KIB};
        PRAGMA temp_store = MEMORY;
        PRAGMA foreign_keys = OFF;
      `);
      migrate(db, file);
      // Now the log is there as well.
      for (const folder of folders) flushFolder(folder);
      db.exec(`PRAGMA busy_timeout = ${FREE_WITHIN_MS}`);
    });
  });
}

/** Opens an existing store of the current schema for reading. */
export function openForReading(file: string): DatabaseSync {
  return opened(file, () => {
    if (!existsSync(file)) {
      throw new Fault({
        code: 'STORE_MISSING',
        message: 'there is no store yet',
        next: 'start the host once: `daruma start`',
        file,
      });
    }
    const db = new DatabaseSync(file, { timeout: OPENED_WITHIN_MS, readOnly: true });
    return closedOnFailure(db, () => {
      refuseOldSqlite(db, file);
      const schema = schemaOf(db, file);
      if (schema < SCHEMA) {
        throw new Fault({
          code: 'STORE_OLDER',
          message: `the store has schema ${schema}, and this version of daruma reads ${SCHEMA}`,
          next: 'start the host once, it brings the store up to date',
          file,
        });
      }
    });
  });
}

/**
 * Puts the names in a folder on disk: a file without one is gone after a power cut, whatever was flushed into it. SQLite
 * flushes folders too, but goes on when the disk refuses.
 */
function flushFolder(folder: string): void {
  let opened: number | undefined;
  try {
    opened = openSync(folder, 'r');
    fsyncSync(opened);
  } catch (thrown) {
    // Others say that this file system, or this user, cannot flush folders.
    if (['EIO', 'ENOSPC', 'EDQUOT'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

function opened(file: string, open: () => DatabaseSync): DatabaseSync {
  try {
    return open();
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw new Fault(startFault(thrown, file), { cause: thrown });
  }
}

function closedOnFailure(db: DatabaseSync, prepare: () => void): DatabaseSync {
  try {
    prepare();
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** Errors of the file system before SQLite had a say get the same codes. */
function startFault(thrown: unknown, file: string) {
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code === 'EIO') return storeFault(Object.assign(new Error((thrown as Error).message), { errcode: 10 }), file);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return storeFault(Object.assign(new Error((thrown as Error).message), { errcode: 13 }), file);
  }
  if (code && ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOENT'].includes(code)) {
    return storeFault(Object.assign(new Error((thrown as Error).message), { errcode: 14 }), file);
  }
  return storeFault(thrown, file);
}

function refuseOldSqlite(db: DatabaseSync, file: string): void {
  const version = (db.prepare('SELECT sqlite_version() AS version').get() as { version: string }).version;
  const parts = version.split('.').map(Number);
  const place = OLDEST_SQLITE.findIndex((part, i) => (parts[i] ?? 0) !== part);
  if (place === -1 || (parts[place] ?? 0) > OLDEST_SQLITE[place]!) return;
  throw new Fault({
    code: 'STORE_SQLITE_OLD',
    message: `this Node carries SQLite ${version}, which can damage a store; ${OLDEST_SQLITE.join('.')} is the oldest that is safe`,
    next: 'install a newer Node',
    file,
  });
}
