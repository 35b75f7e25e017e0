import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Claimant, claimFolder, type FolderClaim } from '../../control/claim.ts';
import { hostOf } from '../../control/place.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { realOf } from '../../kernel/real-path.ts';
import type { Time } from '../../kernel/time.ts';

/** A folder that is this host's alone. */
export interface FolderLock {
  /** Of the lock file. Absolute. */
  file: string;
  claim: FolderClaim;
  release(): Promise<void>;
}

const TRY_EVERY_MS = 100;
/**
 * Two processes that lock in the same instant each hold a part of the lock and refuse each other: with no time to wait, both
 * went away, and neither had the folder. SQLite lets one of them through as soon as the other gives up.
 */
const SAME_INSTANT_MS = 250;
/** A host whose lock file was removed sees that and ends, or starts again and finds this one. */
const GIVES_WAY_WITHIN_MS = 15_000;

/**
 * Makes sure that one host at most runs on a folder: by an exclusive lock of the operating system on `data/run/lock`, and by a
 * claim that cannot be deleted (see {@link claimFolder}). The system itself takes both back when the process ends, however it
 * ends. Waits up to `withinMs` for another host to end; for one whose lock was deleted under it, 15 s, after `waiting` was
 * called.
 *
 * Rejects with a Fault `HOST_RUNNING` that names the other's pid, or the system's error when the folder cannot be written.
 */
export async function lockFolder(
  folder: string,
  { time, withinMs = 0, waiting }: { time: Time; withinMs?: number; waiting?(pid: number): void },
): Promise<FolderLock> {
  const file = join(folder, 'data/run/lock');
  mkdirSync(join(folder, 'data/run'), { recursive: true, mode: 0o700 });
  const lock = lockFile(file, withinMs, () => running(folder, hostOf(folder)));
  try {
    const until = time.monotonic() + GIVES_WAY_WITHIN_MS;
    let hasPrinted = false;
    for (;;) {
      const claim = await claimFolder(folder);
      if (!('pid' in claim)) {
        const release = async () => {
          await claim.release();
          lock.close();
        };
        return { file, claim, release };
      }
      if (time.monotonic() > until) throw new Fault(running(folder, claim));
      if (!hasPrinted) waiting?.(claim.pid);
      hasPrinted = true;
      await time.sleep(TRY_EVERY_MS);
    }
  } catch (thrown) {
    lock.close();
    throw thrown;
  }
}

/**
 * Makes sure that one host at most has a store, wherever it lies: a copy of a folder, or the settings of another, may name it.
 * Resolves with what lets go of it; throws a Fault `STORE_TAKEN`.
 */
export function lockStore(store: string, withinMs = 0): () => void {
  mkdirSync(dirname(store), { recursive: true, mode: 0o700 });
  const taken = {
    code: 'STORE_TAKEN',
    message: `another host works on the store ${store}`,
    next: 'give this folder another store.file in config/daruma.yaml: two hosts must not share one',
  };
  const lock = lockFile(`${realOf(store)}-lock`, withinMs, () => taken);
  return () => lock.close();
}

function lockFile(file: string, withinMs: number, taken: () => PlainFault): DatabaseSync {
  // SQLite is used for its lock only: Node offers no file lock of its own.
  const lock = new DatabaseSync(file, { timeout: Math.max(withinMs, SAME_INSTANT_MS) });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!/locked|busy/i.test((error as Error).message)) throw error;
    throw new Fault(taken(), { cause: error });
  }
}

function running(folder: string, other: Pick<Claimant, 'pid'> | undefined): PlainFault {
  return {
    code: 'HOST_RUNNING',
    message: `a host already runs on ${folder}${other ? `, pid ${other.pid}` : ''}`,
    next: 'daruma status, or daruma stop',
    ...(other ? { data: { pid: other.pid } } : {}),
  };
}
