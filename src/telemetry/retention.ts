import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop, type Turn } from '../kernel/loop.ts';
import { HOUR_MS } from '../kernel/measures.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { UpkeepStore } from './ports.ts';

interface RetentionOptions {
  /** The time for which the store keeps finished jobs, decided slots and events, in ms. */
  jobsMs: number;
  slotsMs: number;
  eventsMs: number;
}

const EVERY_MS = HOUR_MS;
/** Rows of each kind in one transaction: a few milliseconds of the store's time. */
const BATCH = 500;
/** Between batches the store is left to the jobs. */
const PAUSE_MS = 50;

/** Deletes rows that are older than they have to be kept, hourly and at start, in batches so small that jobs do not wait for it. */
export function createRetention(
  { time, log, store }: { time: Time; log: Log; store: UpkeepStore },
  options: RetentionOptions,
): Service {
  async function prune({ signal, progress }: Turn) {
    const now = time.now();
    const before = { jobs: now - options.jobsMs, slots: now - options.slotsMs, events: now - options.eventsMs };
    let gone = 0;
    for (;;) {
      const removed = await store.prune(before, BATCH);
      gone += removed;
      progress();
      if (removed === 0) break;
      await time.sleep(PAUSE_MS, signal);
    }
    if (gone > 0) log.info(`${gone} rows were older than they have to be kept and are deleted`, { rows: gone });
  }

  return createLoop(
    { time, failed: (error) => log.error('old rows could not be deleted', { fault: toPlainFault(error) }) },
    { everyMs: EVERY_MS, turn: prune },
  );
}
