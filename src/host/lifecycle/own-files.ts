import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Folders that the host writes for itself and its own commands: settings of agents stand in them. */
const OWN_FOLDERS = ['data/run', 'data/versions', 'data/config'];
const OTHERS = 0o077;

/**
 * Makes sure that only the host's user can read the files that the host writes about the installation, whatever the umask was:
 * folders get mode 0700, files right in them 0600. `logs`, absolute, counts as long as it lies in the installation: a folder
 * outside may be shared. Files of another user stay as they are.
 */
export function tightenOwnFiles(folder: string, logs: string): void {
  mkdirSync(join(folder, OWN_FOLDERS[0]!), { recursive: true, mode: 0o700 });
  for (const path of [...OWN_FOLDERS.map((name) => join(folder, name)), ...(isBelow(folder, logs) ? [logs] : [])]) {
    for (const name of namesIn(path)) tighten(join(path, name), 0o600);
    tighten(path, 0o700);
  }
}

function tighten(path: string, mode: number): void {
  try {
    const stats = lstatSync(path);
    const isMeant = mode === 0o700 ? stats.isDirectory() : stats.isFile();
    if (isMeant && (stats.mode & OTHERS) !== 0) chmodSync(path, mode);
  } catch {
    // Another user's, or not there yet.
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isBelow(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== '' && !inside.startsWith('..');
}
