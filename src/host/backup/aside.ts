import {
  closeSync,
  copyFileSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';

/** What a restore replaces as a whole: a file that the backup has not must not go on working. */
export const WHOLE = ['plugins', 'agents', 'config', 'data/versions', 'data/config'] as const;

/**
 * Moves a file or folder of the installation to the same path below `aside`; a file outside of it gets the last part of
 * `aside` at the end of its name. False when there is nothing to move.
 */
export function moveAside(folder: string, path: string, aside: string): boolean {
  const from = isAbsolute(path) ? path : join(folder, path);
  if (lstatSync(from, { throwIfNoEntry: false }) === undefined) return false;
  if (statSync(from, { throwIfNoEntry: false })?.isDirectory() && readdirSync(from).length === 0) return false;
  const to = isAbsolute(path) ? `${path}.${basename(aside)}` : join(folder, aside, path);
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  renameSync(from, to);
  return true;
}

/** Moves one file, also to another disk. Its folder is made. */
export function carry(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  try {
    renameSync(from, to);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EXDEV') throw thrown;
    copyFileSync(from, `${to}.carried`);
    renameSync(`${to}.carried`, to);
    rmSync(from);
  }
}

/** Everything that a restore put there is on the disk when this returns. */
export function settleOnDisk(folder: string): void {
  for (const path of [...WHOLE, 'data', '.']) flush(join(folder, path));
}

/** A folder with what is below it. */
function flush(path: string): void {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts || facts.isSymbolicLink()) return;
  if (facts.isDirectory() && WHOLE.some((one) => path.includes(one))) {
    for (const name of readdirSync(path)) flush(join(path, name));
  }
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
