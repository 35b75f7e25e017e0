import type { HostSettings } from '../catalog/files/host-settings.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { createSqliteStore, type SqliteStore } from '../store/sqlite/store.ts';
import { createEvents, type Events } from '../telemetry/events.ts';
import { type Journal, openJournal } from '../telemetry/journal.ts';
import { settleRestored } from './backup/restored.ts';
import type { HostFacts } from './house.ts';
import { lockFolder } from './life/lock.ts';
import { countStart, type Starts } from './life/starts.ts';
import type { Watched } from './life/watched.ts';
import type { Order } from './order.ts';

/** What every room stands on: the folder is this host's alone, there is a log, a store, and a record of what happens. */
export interface Ground {
  journal: Journal;
  log: Log;
  store: SqliteStore;
  events: Events;
}

export interface GroundNeeds {
  time: Time;
  facts: HostFacts;
  settings: HostSettings;
  watched: Watched;
  /** Failed starts before this one do not count. */
  forget: boolean;
  order: Order;
  ending(why: string, failed: boolean): void;
}

/** The lock of a host that was killed is free as soon as the system has cleared up after it. */
const LOCK_WITHIN_MS = 5_000;

/** Lays it, lock first; `counted` is told of this start as soon as nobody else can be starting. */
export async function openGround(needs: GroundNeeds, counted: (starts: Starts) => void): Promise<Ground> {
  const { time, facts, settings, watched } = needs;
  const { onStop, startService } = needs.order;
  const lock = lockFolder(facts.folder, watched.restart ? LOCK_WITHIN_MS : 0);
  onStop('lock', () => lock.release());
  counted(countStart(facts.folder, { now: facts.startedAt, forget: needs.forget }));
  const { level, maxFileBytes, budgetBytes } = settings.logs;
  const journal = await openJournal({ folder: facts.logFolder, level, maxFileBytes, budgetBytes });
  onStop('journal', () => journal.close());
  const log = journal.room('host');
  const store = createSqliteStore(
    { time, log: journal.room('store'), onFailure: (fault) => needs.ending(fault.message, true) },
    { file: facts.storeFile },
  );
  await startService('store', store);
  await settleRestored(facts.folder, store, { now: facts.startedAt, log });
  const events = createEvents({ time, store, log });
  onStop('events', () => events.settled());
  return { journal, log, store, events };
}
