import { backup, DatabaseSync } from 'node:sqlite';

/**
 * Copies a store that others are writing to, as it was at one moment. The copy needs no other file beside it.
 *
 * In one step: a copy of several steps begins anew whenever somebody writes in between, and beside a busy host
 * may never end. The step runs outside the loop.
 */
export async function copyStore(from: string, to: string): Promise<void> {
  const store = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
  try {
    await backup(store, to, { rate: 2 ** 31 - 1 });
  } finally {
    store.close();
  }
  // The copy has the live store's mode, which keeps a log beside the file: end it, so that the file is all there is.
  withStore(to, false, (copy) => copy.exec('PRAGMA journal_mode = DELETE'));
}

/** How big a copy of the store would be, in bytes. */
export function storeBytes(file: string): number {
  return withStore(file, true, (store) => one(store, 'PRAGMA page_count') * one(store, 'PRAGMA page_size'));
}

/** The number of jobs in a store that is whole; throws with what SQLite finds wrong. */
export function countJobs(file: string): number {
  return withStore(file, true, (store) => {
    const found = store
      .prepare('PRAGMA integrity_check(3)')
      .all()
      .map((row) => Object.values(row)[0]);
    if (found.length !== 1 || found[0] !== 'ok')
      throw new Error(`the copy of the store is damaged: ${found.join('; ')}`);
    return one(store, 'SELECT count(*) FROM job');
  });
}

function withStore<T>(file: string, readOnly: boolean, use: (store: DatabaseSync) => T): T {
  const store = new DatabaseSync(file, { readOnly, timeout: 5_000 });
  try {
    return use(store);
  } finally {
    store.close();
  }
}

function one(store: DatabaseSync, sql: string): number {
  return Number(Object.values(store.prepare(sql).get()!)[0]);
}
