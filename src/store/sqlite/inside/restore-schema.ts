import { DatabaseSync } from 'node:sqlite';
import { MIGRATIONS } from './schema.ts';

/**
 * Makes tables and indexes again that a store of the current schema lacks, empty or from what its tables hold. Each table is
 * written down among what was set aside, since nobody knows what was in it. Returns the names of all.
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
