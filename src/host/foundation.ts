import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import { fileId } from '../control/place.ts';
import type { Healer } from '../healing/healer.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/ports.ts';
import { createEvents, type Events } from '../telemetry/events.ts';
import { type Journal, openJournal } from '../telemetry/journal.ts';
import { createMeter, type Meter } from '../telemetry/meter/meter.ts';
import type { Aside, AsideStore } from '../telemetry/ports.ts';
import { settleRestored } from './backup/restored.ts';
import type { HostFacts } from './facts.ts';
import type { NamedHandle } from './lifecycle/handles.ts';
import { type FolderLock, lockFolder, lockStore } from './lifecycle/lock.ts';
import type { Watched } from './lifecycle/outside.ts';
import { tightenOwnFiles } from './lifecycle/own-files.ts';
import { withSafeReads } from './lifecycle/safe-mode.ts';
import { countStart, type Starts } from './lifecycle/starts.ts';
import type { ShutdownStack } from './shutdown-stack.ts';

/** Reports rows of the store that could not be read and were set aside, once, as an incident of the host. */
interface Asides {
  /** Rows were set aside just now. */
  found(count: number): void;
  /** Reports go to `healer` from now on; also of rows that an earlier host, or `daruma store mend`, left unreported. */
  reportTo(healer: Pick<Healer, 'mended'>): void;
  /** Resolves when the rows of before are reported, or could not be. */
  settled(): Promise<void>;
}

/** Rows that an incident names; the others are counted. */
const MOST_NAMED = 5;
const MOST_AT_ONCE = 1_000;

/** After this many failed starts the next one is in safe mode. */
const STARTS_TO_SAFE_MODE = 3;

/** Every room stands on it: the folder is this host's alone, there is a log, a store, and a record of events. */
export interface Foundation {
  journal: Journal;
  log: Log;
  store: Store;
  events: Events;
  meter: Meter;
  lock: FolderLock;
  /** Files and the folder, which can be removed or replaced while the host holds them. */
  held: NamedHandle[];
  asides: Asides;
  starts: Starts;
  /** The reason for which this start is in safe mode; undefined: it is not. */
  safeBecause: string | undefined;
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

/** Lays the foundation, lock first; `counted` is called with the count of starts as soon as no other host can be starting. */
export async function openFoundation(needs: FoundationNeeds, counted: (starts: Starts) => void): Promise<Foundation> {
  const { time, facts, settings, watched } = needs;
  const { onStop } = needs.order;
  const lock = await takeFolder(needs);
  const starts = countStart(facts.folder, { now: facts.startedAt, forget: needs.forget });
  counted(starts);
  const { level, maxFileBytes, budgetBytes } = settings.logs;
  const journal = await openJournal({ folder: facts.logFolder, level, maxFileBytes, budgetBytes });
  onStop('journal', () => journal.close());
  const log = journal.child('host');
  const safeBecause = reasonForSafeMode(watched, starts);
  const isSafe = safeBecause !== undefined;
  const meter = createMeter(() => time.now());
  const opened = await openHostStore(needs, { journal, meter }, isSafe);
  const store = isSafe ? withSafeReads(opened.store, log) : opened.store;
  const { asides } = opened;
  const events = createEvents({ time, store, log, scrub: journal.scrub });
  onStop('meter', () => store.putMetrics(meter.take(true)));
  onStop('events', () => events.settled());
  onStop('asides', () => asides.settled());
  const held: NamedHandle[] = [
    { what: 'folder', path: facts.folder, id: facts.folderId },
    named('lock', lock.file),
    named('store', facts.store.file),
    // SQLite goes on writing into a log that was deleted, and would undo what another process reads.
    ...['-wal', '-shm'].map((end) => named('store-log', facts.store.file + end)),
  ];
  return { journal, log, store, events, meter, asides, lock, held, starts, safeBecause };
}

/** The folder and the store are this host's alone. */
async function takeFolder({ time, facts, watched, order }: FoundationNeeds): Promise<FolderLock> {
  const withinMs = watched.restart ? LOCK_WITHIN_MS : 0;
  tightenOwnFiles(facts.folder, facts.logFolder);
  const lock = await lockFolder(facts.folder, {
    time,
    withinMs,
    waiting: (pid) => process.stderr.write(`  the host before (pid ${pid}) has lost its lock; waiting for it to end\n`),
  });
  order.onStop('lock', () => lock.release());
  order.onStop('store lock', lockStore(facts.store.file, withinMs));
  return lock;
}

/** Opens the store and ends a restore that another process began. In safe mode a restore that cannot be ended is only logged. */
async function openHostStore(
  { time, facts, order, ending }: FoundationNeeds,
  { journal, meter }: { journal: Journal; meter: Meter },
  isSafe: boolean,
) {
  const log = journal.child('host');
  const asides = createAsides({ log, store: () => store });
  const store = openStore(
    {
      time,
      log: journal.child('store'),
      setAside: (count) => asides.found(count),
      answered: (ms) => meter.time('store.latency', {}, ms),
      onFailure: (fault) => ending(fault.message, true),
    },
    facts.store,
  );
  await order.startService('store', store);
  try {
    await settleRestored(facts.folder, store, { now: facts.startedAt, log });
  } catch (error) {
    if (!isSafe) throw error;
    log.error('a restore could not be ended', { fault: toPlainFault(error) });
  }
  return { store, asides };
}

/** A handle by its name: it was opened a moment ago, and no process has had the time to put another file in its place. */
function named(what: NamedHandle['what'], path: string): NamedHandle {
  return { what, path, id: fileId(path) };
}

/** Why a host has to start in safe mode; undefined when it has not. */
function reasonForSafeMode({ safe }: { safe: boolean }, { failed }: Starts): string | undefined {
  if (safe) return 'started with --safe';
  return failed >= STARTS_TO_SAFE_MODE ? `the last ${failed} starts failed` : undefined;
}

function createAsides(needs: { log: Log; store: () => Pick<AsideStore, 'asides' | 'asidesReported'> }): Asides {
  const { log, store } = needs;
  let healer: Pick<Healer, 'mended'> | undefined;
  let reporting: Promise<void> = Promise.resolve();

  async function report() {
    if (!healer) return;
    try {
      const unreported = await store().asides({ unreported: true, limit: MOST_AT_ONCE });
      if (unreported.length === 0) return;
      const seen = asideWords(unreported.reverse());
      const rows = unreported.map(({ content: _, ...row }) => row);
      const because = { code: 'ROWS_UNREADABLE', message: seen, next: 'daruma store check', data: { rows } };
      healer.mended({ agent: null, verdict: 'unreadable', because, seen }, 'everybody else is served');
      await store().asidesReported(unreported.map(({ id }) => id));
    } catch (error) {
      log.error('rows that were set aside could not be reported', { fault: toPlainFault(error) });
    }
  }

  function scheduleReport() {
    reporting = reporting.then(report);
  }

  return {
    found(count) {
      const message = `${count} ${count === 1 ? 'row' : 'rows'} of the store could not be read and ${count === 1 ? 'is' : 'are'} set aside`;
      log.error(message, { next: 'daruma store check' });
      scheduleReport();
    },
    reportTo(to) {
      healer = to;
      scheduleReport();
    },
    settled: () => reporting,
  };
}

/** `2 rows of the store could not be read: job job-2s of later (run_at 1795736000000000000); pause tick (until …)` */
function asideWords(rows: readonly Pick<Aside, 'source' | 'name' | 'agent' | 'why'>[]): string {
  const named = rows.slice(0, MOST_NAMED).map(({ source, name, agent, why }) => {
    const of = agent === null || name.startsWith(agent) ? '' : ` of ${agent}`;
    return `${source} ${name}${of} (${why})`;
  });
  const more = rows.length > MOST_NAMED ? `; and ${rows.length - MOST_NAMED} more` : '';
  return `${rows.length} ${rows.length === 1 ? 'row' : 'rows'} of the store could not be read: ${named.join('; ')}${more}`;
}
