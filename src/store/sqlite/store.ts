import type { JobChange } from '../../jobs/ports.ts';
import { Fault, toPlainFault } from '../../kernel/fault.ts';
import { createLoop } from '../../kernel/loop.ts';
import { formatDuration } from '../../kernel/units.ts';
import { checkWrite } from '../checks.ts';
import { createFeed, withFeeds } from '../feed.ts';
import type { Store, StoreNeeds, StorePlace, StorePorts } from '../ports.ts';
import { createAdds } from './adds.ts';
import { createStoreChannel, type StoreChannel } from './channel.ts';
import { createStoreClock, type StoreClock } from './clock.ts';
import { createCopies } from './copies.ts';
import { packAttempts, packSettlements, unpackClaim } from './packing.ts';
import { type AskedPorts, OP_KINDS, type OpName, type OwnOps, type PackedOps, STAMPED, type StoreOps } from './wire.ts';

/** How often an idle store is asked for a sign of life. */
const PING_EVERY_MS = 5_000;
/** The pause before a step back of the clock is written down again that the store refused. */
const MOVED_AGAIN_AFTER_MS = 1_000;

/**
 * Makes the embedded store: one SQLite file, written by one thread.
 *
 * Promises: a promise resolves only when what it says is on disk, flushed (claims, renewals and releases alone may be lost at
 * a power cut, which queues the job again). Calls that wait are committed together, in the order in which they were made; one
 * that is refused leaves the others. When the disk is full or fails, calls reject with a `Fault` (`STORE_FULL`, `STORE_IO`,
 * `STORE_BUSY`, …), nothing of them is kept, and the store works again as soon as the cause is gone. (When the flush itself
 * fails and the process is killed before its next write, the refused call may be found done.) The store opens its file in
 * `start()`, which rejects with a `Fault` that says what to do.
 */
export function createSqliteStore(needs: StoreNeeds, { file }: StorePlace): Store {
  const { time, log } = needs;
  const writer = createStoreChannel({ file, role: 'writer' }, needs, (fault) => {
    log.error(fault.message, { code: fault.code });
    started = undefined;
    needs.onFailure?.(fault);
  });
  const reader = createStoreChannel({ file, role: 'reader' }, { time }, ({ message, code }) =>
    log.warn(message, { code }),
  );
  let started: Promise<void> | undefined;
  let readerOpened: Promise<void> | undefined;
  const clock = createStoreClock(time, moveBack);
  const feed = createFeed<JobChange>();
  const copies = createCopies(file, writer.isOpen);
  const pings = createLoop(
    { time, failed: (error) => log.warn('the store was not asked for a sign of life', { fault: toPlainFault(error) }) },
    { everyMs: PING_EVERY_MS, turn: ping },
  );

  return {
    ...withFeeds(
      {
        ...packedCalls(writer, clock),
        ...plainCalls(clock, (name, args) =>
          OP_KINDS[name] === 'slow' ? callSlow(name, args) : writer.call(name, ...args),
        ),
        backUp: copies.make,
      },
      feed,
      () => time.now(),
    ),
    start() {
      started ??= writer.open().then(pings.start, (thrown) => {
        started = undefined;
        throw thrown;
      });
      return started;
    },
    async stop() {
      await Promise.allSettled([started, readerOpened]);
      await pings.stop();
      await reader.close();
      await writer.close();
      await copies.stop();
      started = undefined;
    },
    alive: () => writer.lastAnswer(),
  };

  function ping(): void {
    if (!writer.isOpen()) return;
    writer.ping();
    clock.nearest();
  }

  /** Moves jobs along with the clock, ahead of the call that saw it step back; tried again while the store refuses it. */
  function moveBack(was: number, now: number): void {
    const by = formatDuration(was - now);
    writer.call('setBack', was, now).then(
      (moved) => {
        if (moved === 0) return;
        feed.publish({ is: 'queued', agent: null, inMs: 0 });
        log.info(`the clock went back by ${by}: waiting jobs are not delayed by that`, { jobs: moved });
      },
      (thrown) => {
        log.warn(`jobs could not be moved along with the clock, which went back by ${by}`, {
          fault: toPlainFault(thrown),
        });
        if (writer.isOpen()) time.after(MOVED_AGAIN_AFTER_MS, () => moveBack(was, now));
      },
    );
  }

  /** Calls that can take long have a thread of their own, which the first of them starts: no job waits for a report. */
  async function callSlow<K extends OpName>(name: K, args: Parameters<StoreOps[K]>) {
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
      // No row is left when another call has met the same rows.
      const count = await writer.call('setAside', clock.now());
      if (count > 0) needs.setAside?.(count);
      return reader.call(name, ...args);
    }
  }
}

type Ask = <K extends OpName>(name: K, args: Parameters<StoreOps[K]>) => Promise<ReturnType<StoreOps[K]>>;

function packedCalls(line: StoreChannel, clock: StoreClock): Pick<StorePorts, keyof PackedOps> {
  const add = createAdds(line);
  return {
    async add(jobs) {
      checkWrite('add', [jobs]);
      return add(jobs, clock.now());
    },
    async claim(requests, terms) {
      checkWrite('claim', [requests, terms]);
      return unpackClaim(requests, await line.call('claim', clock.now(), requests, terms));
    },
    async settle(settlements) {
      checkWrite('settle', [settlements]);
      return line.call('settle', packSettlements(settlements, clock.now()));
    },
    release: (attempts) => line.call('release', packAttempts(attempts)),
    async renew(attempts, leaseMs) {
      checkWrite('renew', [attempts, leaseMs]);
      const lost = await line.call('renew', packAttempts(attempts), clock.now() + leaseMs);
      return lost.map((place) => attempts[place]!);
    },
  };
}

/** The methods whose arguments and answers travel as they are, some of them with the time before them. */
function plainCalls(clock: StoreClock, ask: Ask): Omit<AskedPorts, keyof PackedOps> {
  const others: readonly string[] = ['add', 'claim', 'settle', 'release', 'renew', 'setBack'] satisfies (
    | keyof PackedOps
    | keyof OwnOps
  )[];
  const stamped: readonly string[] = STAMPED;
  const names = (Object.keys(OP_KINDS) as OpName[]).filter((name) => !others.includes(name));
  const methods = names.map((name) => [
    name,
    async (...args: never[]) => {
      checkWrite(name, args);
      if (!stamped.includes(name)) return ask(name, args as never);
      const now = OP_KINDS[name] === 'hard' || OP_KINDS[name] === 'soft' ? clock.now() : clock.nearest();
      return ask(name, [now, ...args] as never);
    },
  ]);
  return Object.fromEntries(methods);
}
