import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import { fileId, hostFilePath, hostFileText, socketPath } from '../control/place.ts';
import { processStart, thisProcess } from '../control/process.ts';
import { isoOf } from '../kernel/instant.ts';
import { packageFile } from '../kernel/paths.ts';
import type { StorePlace } from '../store/ports.ts';
import type { Watched } from './lifecycle/outside.ts';

/** The version of the running Daruma. */
export const VERSION: string = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')).version;

/** Gathers the facts of a host that starts. `folder`: absolute, without symbolic links. */
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

/** Process and places of a host. */
export interface HostFacts {
  folder: string;
  /** Device and inode of the folder, which stay when it is renamed. */
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
      startedAt: isoOf(facts.startedAt),
      socket,
      logs: logFolder,
      ...(guardian === null ? {} : { guardian: { pid: guardian, start: processStart(guardian) ?? '' } }),
    },
  );
  writeFileSync(hostFilePath(folder), text, { mode: 0o600 });
}

/** Where a host keeps the compiled versions, and what was in force. Relative to the installation. */
export const VERSIONS_FOLDER = 'data/versions';
