import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import { fileId, socketPath } from '../control/place.ts';
import { packageFile } from '../kernel/paths.ts';
import type { HostFacts } from './host-context.ts';
import type { Watched } from './lifecycle/watched.ts';

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
