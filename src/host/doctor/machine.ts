import { existsSync, statfsSync, statSync, watch } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { BackupView } from '../../control/protocol.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import { mostFiles, openFiles } from '../../kernel/proc.ts';
import { logFiles } from '../../telemetry/log-files.ts';
import { openBackups } from '../backup/index.ts';

/** Facts of the machine and of the folder, which need no host. */
export interface MachineFacts {
  /** Epoch ms. */
  now: number;
  node: string;
  /** A file of systemd-timesyncd says so; null where there is no such service. */
  clockInSync: boolean | null;
  disk: { freeBytes: number; totalBytes: number } | null;
  /** Bytes of the store with its log; null: there is none yet. */
  storeBytes: number | null;
  logs: { bytes: number; budgetBytes: number };
  /** Newest first. */
  backups: readonly BackupView[];
  /** Parts of the installation that other users of the machine may write or read, relative to it. */
  openToOthers: readonly { path: string; may: 'write' | 'read' }[];
  /** Of this process; `open` is null where the system does not say. */
  files: { open: number | null; most: number };
  /** Why the system refuses to watch the folder of plugins; undefined: it does not. */
  watchFault: string | undefined;
}

interface MachineNeeds {
  folder: string;
  settings: Pick<HostSettings, 'store' | 'logs'>;
  now: number;
}

const TIMESYNC = '/run/systemd/timesync';
/** Parts that hold secrets, or what agents keep. */
const OWN_PARTS = ['data', '.env', 'config', 'plugins', 'agents'];
const PRIVATE_PARTS = new Set(['data', '.env']);

/** Looks at the machine and the folder: some file calls, no process, nothing written. */
export function readMachine({ folder, settings, now }: MachineNeeds): MachineFacts {
  const store = resolve(folder, settings.store.file);
  const most = mostFiles();
  return {
    now,
    node: process.versions.node,
    clockInSync: existsSync(TIMESYNC) ? existsSync(join(TIMESYNC, 'synchronized')) : null,
    disk: diskOf(folder),
    storeBytes: existsSync(store) ? sizeOf(store) + sizeOf(`${store}-wal`) : null,
    logs: {
      bytes: logFiles(resolve(folder, settings.logs.folder), 'daruma').reduce((sum, { bytes }) => sum + bytes, 0),
      budgetBytes: settings.logs.budgetBytes,
    },
    backups: openBackups(folder).list(),
    openToOthers: [...OWN_PARTS.map((part) => join(folder, part)), store].flatMap((path) => openness(path, folder)),
    files: { open: openFiles(most), most },
    watchFault: watchFaultOf(join(folder, 'plugins')),
  };
}

function diskOf(folder: string): MachineFacts['disk'] {
  try {
    const { bavail, blocks, bsize } = statfsSync(folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function openness(path: string, folder: string): MachineFacts['openToOthers'] {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  const name = relative(folder, path);
  if (mode & 0o002) return [{ path: name, may: 'write' }];
  return PRIVATE_PARTS.has(name) && mode & 0o004 ? [{ path: name, may: 'read' }] : [];
}

/** Only a watch that was tried tells: the limits are of the user, and others may have used them up. */
function watchFaultOf(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  try {
    watch(folder, { persistent: false }).close();
    return undefined;
  } catch (thrown) {
    return toPlainFault(thrown).message;
  }
}
