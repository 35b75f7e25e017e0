import { backup } from 'node:sqlite';
import type { StoreCopy } from '../../../telemetry/ports.ts';
import { openForReading } from './open.ts';
import { proveFile } from './prove.ts';

/**
 * Copies a store that others write to into an empty file, and proves that the copy can be worked with. Throws a `Fault`, or what
 * SQLite throws.
 *
 * The copy is made in one step, outside of the loop: a copy of several steps begins anew whenever somebody writes in between, and beside a
 * busy host may never end.
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
