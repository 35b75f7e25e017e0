import { Fault, toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import { type Batch, type BatchId, type BatchOrder, type BatchStore, MOST_ITEMS } from './batch.ts';
import { batchUnknown } from './faults.ts';
import type { JobId } from './model.ts';
import type { JobRecords } from './ports.ts';

/**
 * Carries batches out, a few items at a time, so that nobody else waits for the store; several take turns. A batch is on disk from its begin:
 * a host that starts goes on where the last one was.
 */
export interface Batches extends Service {
  /** Writes a batch down and begins with it. `jobs`: the jobs of an order that names them. Rejects with `BATCHES_FULL`. */
  begin(order: BatchOrder, jobs: JobId[]): Promise<BatchId>;
  /** Ends a batch where it is. Rejects with `BATCH_UNKNOWN` or `BATCH_ENDED`. */
  cancel(id: BatchId): Promise<Batch>;
  /** Resolves with the batch when it has ended. Rejects with `BATCH_UNKNOWN`, or when `signal` is aborted: the batch goes on. */
  ended(id: BatchId, signal: AbortSignal): Promise<Batch>;
}

interface BatchesNeeds {
  time: Time;
  log: Log;
  store: BatchStore & Pick<JobRecords, 'ids'>;
  /** How long jobs of agents are of use, by agent, in ms; agents without such a limit are left out. */
  staleAfterMs(): Record<string, number>;
  /** A batch has another state, or more results. */
  changed(): void;
  /** A batch has ended. */
  onEnd(batch: Batch): void;
}

const LOOK_MS = 10_000;
/** Items of a step: the store takes some 10 ms for them, which is what anybody else waits. */
const ITEMS_AT_ONCE = 200;
/** Jobs that are found with one look, and those of them that are written down at once. */
const FOUND_AT_ONCE = 20_000;
const WRITTEN_AT_ONCE = 1_000;
/** Batches that are not over at a time. */
const MOST_OPEN = 20;
const OPEN = { states: ['collecting' as const, 'working' as const], limit: MOST_OPEN };

export function createBatches(needs: BatchesNeeds): Batches {
  const { time, log, store } = needs;
  let turns = 0;
  let next = Promise.withResolvers<void>();
  const loop = createLoop(
    { time, failed: (error) => log.error('a batch could not go on', { fault: toPlainFault(error) }) },
    { everyMs: LOOK_MS, turn: ({ signal, progress }) => turn(signal, progress) },
  );

  async function turn(signal: AbortSignal, progress: () => void): Promise<number | undefined> {
    const open = await store.batches(OPEN);
    const batch = open[turns++ % open.length];
    if (!batch) return undefined;
    const from = time.monotonic();
    if (batch.state === 'collecting') await collect(batch, signal, progress);
    else if ((await store.stepBatch(batch.id, { most: ITEMS_AT_ONCE, staleAfterMs: needs.staleAfterMs() })).isOver)
      await reportEnd(batch.id);
    needs.changed();
    // Half of the store's time is left to others.
    return time.monotonic() - from;
  }

  async function collect({ id, set, before, total }: Batch, signal: AbortSignal, progress: () => void): Promise<void> {
    const most = Math.min(FOUND_AT_ONCE, MOST_ITEMS - total);
    const found = await store.ids({ ...set, before, limit: most });
    const isAll = found.length < FOUND_AT_ONCE;
    for (let at = 0; at === 0 || at < found.length; at += WRITTEN_AT_ONCE) {
      if (signal.aborted) return;
      const part = found.slice(at, at + WRITTEN_AT_ONCE);
      await store.collectBatch(id, part, isAll && at + WRITTEN_AT_ONCE >= found.length);
      progress();
    }
  }

  async function reportEnd(id: BatchId): Promise<Batch> {
    const batch = await known(id);
    needs.onEnd(batch);
    next.resolve();
    next = Promise.withResolvers();
    return batch;
  }

  async function known(id: BatchId): Promise<Batch> {
    const batch = await store.batch(id);
    if (batch) return batch;
    throw batchUnknown(id);
  }

  return {
    start: loop.start,
    stop: loop.stop,
    alive: loop.alive,
    async begin(order, jobs) {
      if ((await store.batches(OPEN)).length >= MOST_OPEN) throw tooMany();
      const id = await store.addBatch(order, jobs);
      needs.changed();
      loop.soon();
      return id;
    },
    async cancel(id) {
      const { state } = await known(id);
      if (!(await store.cancelBatch(id)))
        throw new Fault({ code: 'BATCH_ENDED', message: `${id} is ${state} already`, next: `daruma batch show ${id}` });
      needs.changed();
      return reportEnd(id);
    },
    async ended(id, signal) {
      const left = Promise.withResolvers<never>();
      const leave = () => left.reject(signal.reason);
      signal.addEventListener('abort', leave);
      try {
        for (;;) {
          signal.throwIfAborted();
          // Joined before the batch is looked at, so that an end in between is not missed.
          const change = next.promise;
          const batch = await known(id);
          if (batch.endedAt !== null) return batch;
          await Promise.race([change, left.promise]);
        }
      } finally {
        signal.removeEventListener('abort', leave);
      }
    },
  };
}

function tooMany(): Fault {
  const message = `${MOST_OPEN} batches are at work already`;
  return new Fault({ code: 'BATCHES_FULL', message, next: 'wait for one of them, or end it: daruma batch list' });
}
