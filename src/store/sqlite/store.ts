import { Fault, type PlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import { checkWrite } from '../checks.ts';
import { createStoreChannel, type StoreChannel } from './channel.ts';
import type { StorePorts } from './ports.ts';
import {
  OP_KINDS,
  type OpName,
  type PackedOps,
  type Plain,
  packAttempts,
  packJob,
  packSettlements,
  type StoreOps,
  unpackAdded,
  unpackClaim,
} from './wire.ts';

/**
 * The embedded store: one SQLite file, written by one thread.
 *
 * What it promises: a promise resolves only when what it says is on disk, flushed (claims, renewals and releases alone may be
 * lost at a power cut, which queues the job again). Calls that wait are committed together, in the order in which they
 * were made; one that is refused leaves the others. When the disk is full or fails, calls reject with a `Fault` (`STORE_FULL`,
 * `STORE_IO`, `STORE_BUSY`, …), nothing of them is kept, and the store works again as soon as the cause is gone. (When the
 * flush itself fails and the process is killed before its next write, the refused call may be found done.)
 */
export type SqliteStore = Service & StorePorts;

export interface SqliteStoreNeeds {
  time: Time;
  log: Log;
  /** So many rows could not be read and were set aside. */
  setAside?(count: number): void;
  /** The store thread died. Every call rejects (`STORE_DIED`, then `STORE_STOPPED`) until `start()` is called again. */
  onFailure?(fault: PlainFault): void;
}

export interface SqliteStoreOptions {
  /** Path of the store; its folder is made when it is missing. `-wal` and `-shm` beside it belong to it. */
  file: string;
}

/** How often an idle store is asked for a sign of life. */
const PING_EVERY_MS = 5_000;

/** Makes the store; nothing is opened before `start()`, which rejects with a `Fault` that says what to do. */
export function createSqliteStore(needs: SqliteStoreNeeds, { file }: SqliteStoreOptions): SqliteStore {
  const { time, log } = needs;
  const writer = createStoreChannel({ file, role: 'writer' }, needs, (fault) => {
    log.error(fault.message, { code: fault.code });
    started = undefined;
    needs.onFailure?.(fault);
  });
  const reader = createStoreChannel({ file, role: 'reader' }, needs, ({ message, code }) =>
    log.warn(message, { code }),
  );
  let started: Promise<void> | undefined;
  let readerOpened: Promise<void> | undefined;
  let cancelPing = () => {};

  return {
    ...packedCalls(writer),
    ...plainCalls((name, args) => (OP_KINDS[name] === 'slow' ? slowly(name, args) : writer.call(name, ...args))),
    start() {
      started ??= writer.open().then(ping, (thrown) => {
        started = undefined;
        throw thrown;
      });
      return started;
    },
    async stop() {
      cancelPing();
      await Promise.allSettled([started, readerOpened]);
      await reader.close();
      await writer.close();
      cancelPing();
      started = undefined;
    },
    alive: () => writer.lastAnswer(),
  };

  function ping(): void {
    if (!writer.isOpen()) return;
    writer.ping();
    cancelPing = time.after(PING_EVERY_MS, ping);
  }

  /** What can take long has a thread of its own, so that no job waits for a report. It is started by the first of them. */
  async function slowly<K extends OpName>(name: K, args: Parameters<StoreOps[K]>) {
    if (writer.isOpen() && !reader.isOpen()) {
      readerOpened ??= reader.open().finally(() => {
        readerOpened = undefined;
      });
      await readerOpened;
    }
    try {
      return await reader.call(name, ...args);
    } catch (thrown) {
      // The reader may not write: its writer sets the row aside.
      if (!(thrown instanceof Fault) || thrown.code !== 'STORE_ROW_UNREADABLE') throw thrown;
      // None is left when another call has met the same rows.
      const count = await writer.call('setAside', time.now());
      if (count > 0) needs.setAside?.(count);
      return reader.call(name, ...args);
    }
  }
}

type Ask = <K extends OpName>(name: K, args: Parameters<StoreOps[K]>) => Promise<ReturnType<StoreOps[K]>>;

function packedCalls(line: StoreChannel): Pick<StorePorts, keyof PackedOps> {
  return {
    async add(jobs, now) {
      checkWrite('add', [jobs, now]);
      const flat: Plain[] = [];
      for (const job of jobs) packJob(flat, job, now);
      return unpackAdded(await line.call('add', flat, now));
    },
    async claim(requests, terms) {
      checkWrite('claim', [requests, terms]);
      return unpackClaim(requests, await line.call('claim', requests, terms));
    },
    async settle(settlements) {
      checkWrite('settle', [settlements]);
      return line.call('settle', packSettlements(settlements));
    },
    release: (attempts) => line.call('release', packAttempts(attempts)),
    async renew(attempts, leaseUntil) {
      checkWrite('renew', [attempts, leaseUntil]);
      const lost = await line.call('renew', packAttempts(attempts), leaseUntil);
      return lost.map((place) => attempts[place]!);
    },
  };
}

/** The methods whose arguments and answers travel as they are. */
function plainCalls(ask: Ask): Omit<StorePorts, keyof PackedOps> {
  const packed: readonly string[] = ['add', 'claim', 'settle', 'release', 'renew'] satisfies (keyof PackedOps)[];
  const names = (Object.keys(OP_KINDS) as OpName[]).filter((name) => !packed.includes(name));
  const methods = names.map((name) => [
    name,
    async (...args: never[]) => {
      checkWrite(name, args);
      return ask(name, args as never);
    },
  ]);
  return Object.fromEntries(methods);
}
