import type { PlainFault } from '../../kernel/fault.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Time } from '../../kernel/time.ts';
import { createNamedTimers, createSingleFlight } from '../coordination.ts';
import type { FileScanner, PluginInputs } from './file-scanner.ts';
import { type FolderList, listFolders } from './list.ts';
import { type FolderWatch, watchFolders } from './watch.ts';

/** Several events of one save are one scan. */
const GATHER_MS = 10;
/** After a scan, a storm of events waits this long for the next scan. */
const LEAST_PAUSE_MS = 50;
/** Least time between two scans of a file that settles. */
const LEAST_WAIT_MS = 15;

/** The folders as the last scan found them. */
export interface FolderState {
  list: FolderList;
  /** Whether a file is still being written, or missing for too short a time to be gone. */
  unsettled: boolean;
  /** Whether an agent file is unsettled. */
  agentsUnsettled: boolean;
}

interface ScanLoopNeeds {
  time: Time;
  log: Log;
  scanner: FileScanner;
  /** The files and lookups that plugins are made of; `full`: those of older versions as well. */
  madeOf(full: boolean): PluginInputs;
  /** A file was changed just now, and settles soon. */
  settling(): void;
  /**
   * A scan is over. `changed`: a file of the folders counts in another state, or a file that was unsettled no longer
   * is; false also for files outside of the folders, whose changes only plugins notice.
   */
  scanned(scan: { full: boolean; changed: boolean }): void;
}

interface ScanLoopOptions {
  folder: string;
  linkFolders: readonly string[];
  settleMs: number;
  /** Time between two full scans, in ms, whatever the watcher sees. */
  scanMs: number;
}

/** Scans the folders, one scan after the other: when the watcher hints at a change, when a file settles, and every `scanMs`. */
interface ScanLoop {
  /** Begins to watch; resolves after the first scan. */
  start(): Promise<void>;
  /** Begins the scans of every `scanMs`. */
  repeat(): void;
  /** Resolves after a scan that began after the call. `full`: scans the files of libraries as well. Never rejects. */
  ask(full: boolean): Promise<void>;
  /** Scans soon: something may have changed. */
  hint(): void;
  /** Undefined before the first scan. */
  folderState(): FolderState | undefined;
  /** Faults that keep the watcher from seeing; empty while all is well. */
  trouble(): PlainFault[];
  /** The end of the last scan, in monotonic ms; undefined before the first scan and after `close`. */
  alive(): number | undefined;
  /** Whether a scan is asked for that has not begun. */
  isDue(): boolean;
  /** Resolves when no scan goes on and nothing is watched. */
  close(): Promise<void>;
}

/** A loop that neither watches nor scans yet. */
export function createScanLoop(needs: ScanLoopNeeds, options: ScanLoopOptions): ScanLoop {
  const { time, log, scanner } = needs;
  const { folder, linkFolders, settleMs, scanMs } = options;
  const timers = createNamedTimers<'gather' | 'settle' | 'scan'>(time);
  const singleFlight = createSingleFlight(scanFiles, (error) =>
    log.error('looking at the folders failed; it is tried again', { fault: toPlainFault(error) }),
  );
  let watch: FolderWatch | undefined;
  let last: { at: number; folderState: FolderState } | undefined;
  let closed = false;

  async function scanFiles(full: boolean) {
    const { tooBig } = last?.folderState.list ?? (await listFolders(folder, linkFolders));
    const also = needs.madeOf(full);
    await watch?.refresh({ tooBig, also });
    const { list, waitMs, agentsWait, changed } = await scanner.scan(also, { full });
    if (closed) return;
    const before = last?.folderState;
    const folderState = { list, unsettled: waitMs !== undefined, agentsUnsettled: agentsWait };
    last = { at: time.monotonic(), folderState };
    if (waitMs !== undefined) {
      timers.set('settle', Math.max(LEAST_WAIT_MS, waitMs), () => void singleFlight.ask(false));
      if (waitMs <= settleMs) needs.settling();
    }
    const isSettledNow =
      (before?.unsettled === true && !folderState.unsettled) ||
      (before?.agentsUnsettled === true && !folderState.agentsUnsettled);
    needs.scanned({ full, changed: changed || isSettledNow });
  }

  function hint() {
    if (timers.isSet('gather')) return;
    const sinceLast = time.monotonic() - (last?.at ?? 0);
    timers.set('gather', Math.max(GATHER_MS, LEAST_PAUSE_MS - sinceLast), () => void singleFlight.ask(false));
  }

  function repeat() {
    timers.set('scan', scanMs, () => {
      repeat();
      void singleFlight.ask(true);
    });
  }

  return {
    async start() {
      if (closed) return;
      watch = watchFolders(folder, hint);
      await singleFlight.ask(true);
    },
    repeat,
    ask: singleFlight.ask,
    hint,
    folderState: () => last?.folderState,
    trouble: () => watch?.trouble() ?? [],
    alive: () => (closed ? undefined : last?.at),
    isDue: () => singleFlight.pending() || timers.isSet('gather'),
    async close() {
      closed = true;
      timers.close();
      await watch?.close();
      await singleFlight.close();
      // The last scan may have refreshed the watcher meanwhile.
      await watch?.close();
    },
  };
}
