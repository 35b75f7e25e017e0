import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = '/etc';
/** The depth of the scan: keys lie no deeper there, and each broker would pay for a scan that takes long. */
const DEEPEST = 6;
const READABLE_BY_ALL = 0o004;

let found: string[] | undefined;

/**
 * Files and folders of `/etc` that not everybody may read: password hashes, keys of servers. A command of a root host would read them.
 * A process looks for them once.
 */
export function closedFiles(): string[] {
  // The kernel refuses them to everybody else.
  found ??= process.getuid?.() === 0 ? closedBelow(FOLDER, DEEPEST) : [];
  return found;
}

function closedBelow(folder: string, levels: number): string[] {
  if (levels === 0) return [folder];
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return [];
    const mode = lstatSync(path, { throwIfNoEntry: false })?.mode ?? READABLE_BY_ALL;
    if ((mode & READABLE_BY_ALL) === 0) return [path];
    return entry.isDirectory() ? closedBelow(path, levels - 1) : [];
  });
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
