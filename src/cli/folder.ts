import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Fault, usage } from '../kernel/fault.ts';
import { refusedFolderName } from '../kernel/paths.ts';

/**
 * The installation that is meant: the folder that was named, else the nearest one at or above `from` that has
 * `config/daruma.yaml` or `plugins/`, else `from`. Absolute, without symbolic links. Throws USAGE when the named
 * folder is not there, FOLDER_NAME when no folder of that name can work.
 */
export function installationFolder(named: string | undefined, from: string): string {
  if (named !== undefined) {
    const folder = resolve(from, named);
    if (!existsSync(folder)) {
      // No hint leads to a folder in which no host can work.
      const refused = refusedFolderName(folder);
      throw refused ? new Fault(refused) : usage(`there is no folder ${folder}`, `daruma init ${named}`);
    }
    return realpathSync(folder);
  }
  for (let folder = resolve(from), last = ''; folder !== last; last = folder, folder = dirname(folder)) {
    if (isInstallation(folder)) return realpathSync(folder);
  }
  return realpathSync(from);
}

/** True when a host can run on the folder. */
export function isInstallation(folder: string): boolean {
  return existsSync(join(folder, 'config/daruma.yaml')) || existsSync(join(folder, 'plugins'));
}
