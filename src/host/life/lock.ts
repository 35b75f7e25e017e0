import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readHostFile } from '../../control/place.ts';
import { Fault } from '../../kernel/fault.ts';

/**
 * Makes sure that one host at most runs on a folder: an exclusive lock of the operating system on `data/run/lock`, which
 * the system itself takes back when the process ends, however it ends. Waits up to `withinMs` for another one to end.
 *
 * Throws a Fault `HOST_RUNNING` that names the other's pid, or the system's error when the folder cannot be written.
 */
export function lockFolder(folder: string, withinMs = 0): { release(): void } {
  const run = join(folder, 'data/run');
  mkdirSync(run, { recursive: true });
  // SQLite is used for its lock only: Node offers no file lock of its own.
  const lock = new DatabaseSync(join(run, 'lock'), { timeout: withinMs });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!/locked|busy/i.test((error as Error).message)) throw error;
    const other = readHostFile(folder)?.pid;
    throw new Fault(
      {
        code: 'HOST_RUNNING',
        message: `a host already runs on ${folder}${other ? `, pid ${other}` : ''}`,
        next: 'daruma status, or daruma stop',
        ...(other ? { data: { pid: other } } : {}),
      },
      { cause: error },
    );
  }
  return { release: () => lock.close() };
}
