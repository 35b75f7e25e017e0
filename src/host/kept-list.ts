import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const FORMAT = 1;

/** The rows of a file that {@link writeKeptList} wrote, those that are none left out. A file that cannot be read has no rows. */
export function readKeptList<Row>(file: string, name: string, isRow: (said: unknown) => said is Row): Row[] {
  try {
    const { format, [name]: rows } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    return format === FORMAT && Array.isArray(rows) ? rows.filter(isRow) : [];
  } catch {
    return [];
  }
}

/** Writes the rows under a name, at once or not at all, into a file that only its owner can read. */
export function writeKeptList(file: string, name: string, rows: readonly unknown[]): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.tmp`, JSON.stringify({ format: FORMAT, [name]: rows }), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}
