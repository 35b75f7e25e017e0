import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import { fileId, hostFilePath, hostFileText, socketPath } from '../control/place.ts';
import { processStart, thisProcess } from '../control/process.ts';
import { packageFile } from '../kernel/paths.ts';
import type { StorePlace } from '../store/ports.ts';
import { iso } from './api/views.ts';
import type { Watched } from './lifecycle/outside.ts';

/** The version of the running Daruma. */
export const VERSION: string = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')).version;

/** Who the host is and where its things are. `folder`: absolute, without symbolic links. */
export function factsOf(folder: string, settings: HostSettings, watched: Watched, now: number): HostFacts {
  return {
    folder,
    folderId: fileId(folder),
    version: VERSION,
    pid: process.pid,
    watchedBy: watched.by,
    guardian: watched.guardian,
    startedAt: now,
    socket: settings.control.socket ? resolve(folder, settings.control.socket) : socketPath(folder),
    store: { file: resolve(folder, settings.store.file) },
    logFolder: resolve(folder, settings.logs.folder),
  };
}

export interface HostFacts {
  folder: string;
  /** What the folder is whatever it is called. */
  folderId: string | undefined;
  version: string;
  pid: number;
  watchedBy: 'guardian' | 'systemd' | null;
  guardian: number | null;
  /** Epoch ms. */
  startedAt: number;
  socket: string;
  store: StorePlace;
  logFolder: string;
}

/** Writes `host.json`. The folder that it lies in is there, or the error of the system is thrown. */
export function writeHostFile(facts: HostFacts): void {
  const { folder, folderId, guardian, socket, logFolder } = facts;
  const text = hostFileText(
    { path: folder, id: folderId },
    {
      ...thisProcess(),
      startedAt: iso(facts.startedAt),
      socket,
      logs: logFolder,
      ...(guardian === null ? {} : { guardian: { pid: guardian, start: processStart(guardian) ?? '' } }),
    },
  );
  writeFileSync(hostFilePath(folder), text, { mode: 0o600 });
}

/** Where a host keeps the compiled versions, and what was in force. Relative to the installation. */
export const VERSIONS_FOLDER = 'data/versions';
