import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../../kernel/fault.ts';
import { CARRIES } from './carry-over.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

/**
 * Brings a store to the newest schema. An empty file becomes a new store; an older store is copied beside itself first
 * (`<file>.schema-1.backup`) and then moved forward in one transaction. A newer database, or another program's, is refused and
 * left untouched.
 */
export function migrate(db: DatabaseSync, file: string, steps: readonly string[] = MIGRATIONS): void {
  const from = schemaOf(db, file, steps.length);
  if (from === steps.length) return;
  if (from > 0) backUp(db, `${file}.schema-${from}.backup`);
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const [at, step] of steps.slice(from).entries()) {
      db.exec(step);
      CARRIES[from + at + 1]?.(db);
    }
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${steps.length}; COMMIT`);
  } catch (thrown) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}

/** The schema's number of a store, 0 for an empty file. */
export function schemaOf(db: DatabaseSync, file: string, newest: number = MIGRATIONS.length): number {
  const schema = numberOf(db, 'user_version');
  const empty = numberOf(db, 'schema_version') === 0;
  if (!empty && numberOf(db, 'application_id') !== APPLICATION_ID) {
    throw new Fault({
      code: 'STORE_CORRUPT',
      message: "the store's file is a database of another program",
      next: 'name another file as store, or move this one away; it was not changed',
      file,
    });
  }
  if (schema > newest) {
    throw new Fault({
      code: 'STORE_NEWER',
      message: `the store has schema ${schema}, and this version of daruma knows up to ${newest}`,
      next: `install the newer version again, or restore a copy of schema ${newest} from beside the store`,
      file,
    });
  }
  return schema;
}

function numberOf(db: DatabaseSync, pragma: string): number {
  return Object.values(db.prepare(`PRAGMA ${pragma}`).get()!)[0] as number;
}

/** A copy that is whole or not there: written under another name first. */
function backUp(db: DatabaseSync, copy: string): void {
  const unfinished = `${copy}.unfinished`;
  rmSync(unfinished, { force: true });
  // SQLite fills an empty file and leaves its rights; one that it makes itself would be everybody's to read.
  closeSync(openSync(unfinished, 'wx', 0o600));
  db.prepare('VACUUM INTO ?').run(unfinished);
  renameSync(unfinished, copy);
}

/**
 * Makes tables and indexes again that a store of the current schema lacks, empty or from what its tables hold. A table that is
 * made anew is recorded among the rows that were set aside, since its content is unknown. Returns the names of all.
 */
export function restoreMissing(db: DatabaseSync, now: number): string[] {
  const model = new DatabaseSync(':memory:');
  try {
    for (const step of MIGRATIONS) model.exec(step);
    const wanted = model
      .prepare(`SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'table' DESC`)
      .all() as { type: string; name: string; sql: string }[];
    const there = new Set(
      (db.prepare('SELECT name FROM sqlite_schema').all() as { name: string }[]).map(({ name }) => name),
    );
    const missing = wanted.filter(({ name }) => !there.has(name));
    if (missing.length === 0) return [];
    db.exec('BEGIN IMMEDIATE');
    for (const { sql } of missing) db.exec(sql);
    const recordMissing = db.prepare(
      `INSERT INTO set_aside (at, source, name, why, content) VALUES (?, 'schema', ?, 'the table was missing', '{}')`,
    );
    for (const { type, name } of missing) if (type === 'table') recordMissing.run(now, name);
    db.exec('COMMIT');
    return missing.map(({ name }) => name);
  } catch (thrown) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw thrown;
  } finally {
    model.close();
  }
}
