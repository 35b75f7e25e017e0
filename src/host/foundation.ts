import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import { fileId } from '../control/place.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/ports.ts';
import { createEvents, type Events } from '../telemetry/events.ts';
import { type Journal, openJournal } from '../telemetry/journal.ts';
import { type Asides, createAsides } from './asides.ts';
import { settleRestored } from './backup/restored.ts';
import type { HostFacts } from './facts.ts';
import type { NamedHandle } from './lifecycle/handles.ts';
import { type FolderLock, lockFolder, lockStore } from './lifecycle/lock.ts';
import type { Watched } from './lifecycle/outside.ts';
import { tightenOwnFiles } from './lifecycle/own-files.ts';
import { withSafeReads } from './lifecycle/safe-mode.ts';
import { countStart, reasonForSafeMode, type Starts } from './lifecycle/starts.ts';
import type { ShutdownStack } from './shutdown-stack.ts';

/** What every room stands on: the folder is this host's alone, there is a log, a store, and a record of what happens. */
export interface Foundation {
  journal: Journal;
  log: Log;
  store: Store;
  events: Events;
  lock: FolderLock;
  /** What of it can be removed or replaced while it is held. */
  held: NamedHandle[];
  asides: Asides;
}

interface FoundationNeeds {
  time: Time;
  facts: HostFacts;
  settings: HostSettings;
  watched: Watched;
  /** Failed starts before this one do not count. */
  forget: boolean;
  order: ShutdownStack;
  ending(why: string, failed: boolean): void;
}

/** The lock of a host that was killed is free as soon as the system has cleared up after it. */
const LOCK_WITHIN_MS = 5_000;

/** Lays it, lock first; `counted` is told of this start as soon as nobody else can be starting. */
export async function openFoundation(needs: FoundationNeeds, counted: (starts: Starts) => void): Promise<Foundation> {
  const { time, facts, settings, watched } = needs;
  const { onStop, startService } = needs.order;
  tightenOwnFiles(facts.folder, facts.logFolder);
  const lock = await lockFolder(facts.folder, {
    time,
    withinMs: watched.restart ? LOCK_WITHIN_MS : 0,
    waiting: (pid) => process.stderr.write(`  the host before (pid ${pid}) has lost its lock; waiting for it to end\n`),
  });
  onStop('lock', () => lock.release());
  onStop('store lock', lockStore(facts.folder, facts.store.file, watched.restart ? LOCK_WITHIN_MS : 0));
  const starts = countStart(facts.folder, { now: facts.startedAt, forget: needs.forget });
  counted(starts);
  const { level, maxFileBytes, budgetBytes } = settings.logs;
  const journal = await openJournal({ folder: facts.logFolder, level, maxFileBytes, budgetBytes });
  onStop('journal', () => journal.close());
  const log = journal.room('host');
  const asides = createAsides({ log, store: () => store });
  const store = openStore(
    {
      time,
      log: journal.room('store'),
      setAside: (count) => asides.found(count),
      onFailure: (fault) => needs.ending(fault.message, true),
    },
    facts.store,
  );
  await startService('store', store);
  const isSafe = reasonForSafeMode(watched, starts) !== undefined;
  const restored = settleRestored(facts.folder, store, { now: facts.startedAt, log });
  await (isSafe
    ? restored.catch((error) => log.error('a restore could not be ended', { fault: toPlainFault(error) }))
    : restored);
  const events = createEvents({ time, store, log, scrub: journal.scrub });
  onStop('events', () => events.settled());
  onStop('asides', () => asides.settled());
  const held: NamedHandle[] = [
    { what: 'folder', path: facts.folder, id: facts.folderId },
    named('lock', lock.file),
    named('store', facts.store.file),
    // SQLite goes on writing into a log that was deleted, and would undo what another process reads.
    ...['-wal', '-shm'].map((end) => named('store-log', facts.store.file + end)),
  ];
  return { journal, log, store: isSafe ? withSafeReads(store, log) : store, events, asides, lock, held };
}

/** They are open by now, and nobody else has had the time to put another one in their place. */
function named(what: NamedHandle['what'], path: string): NamedHandle {
  return { what, path, id: fileId(path) };
}
