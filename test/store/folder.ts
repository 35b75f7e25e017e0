import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { PlainFault } from '../../src/kernel/fault.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import type { Store } from '../../src/store/ports.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';

const cleanUps: (() => Promise<void> | void)[] = [];

/** Runs after the running test, the last one first. */
export function afterThisTest(cleanUp: () => Promise<void> | void): void {
  cleanUps.push(cleanUp);
}

/** Registers the clean-up in a test file; call it once at its top. */
export function cleaningUp(): void {
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
}

/** A temporary folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'daruma-store-'));
  afterThisTest(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A store that is stopped after the test; not started. */
export function storeAt(file: string, onFailure?: (fault: PlainFault) => void): Store {
  const store = createSqliteStore({ time: machineTime, log: silentLog, ...(onFailure ? { onFailure } : {}) }, { file });
  afterThisTest(() => store.stop());
  return store;
}

/** The fault that a promise rejects with. */
export async function faultOf(promise: Promise<unknown>): Promise<PlainFault> {
  try {
    await promise;
  } catch (thrown) {
    const { plain } = thrown as { plain?: PlainFault };
    if (plain) return plain;
    throw thrown;
  }
  throw new Error('it did not fail');
}
