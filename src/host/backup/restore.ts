import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { guardianOf } from '../../control/place.ts';
import type { RestoreView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { machineTime } from '../../kernel/time.ts';
import { lockFolder } from '../lifecycle/lock.ts';
import { findSecret, readEnvFile } from '../secrets/find.ts';
import { storePlace, type Unpacked, unpackAndProve } from './archive.ts';
import { passphraseFor } from './decrypt.ts';
import { UNFINISHED_RESTORE } from './restored.ts';

/**
 * Makes an installation be what a backup says: into a new folder, or into one whose host is stopped. The folder is not touched
 * before the archive has been unpacked beside it and its store was found whole; files that were there are kept aside, not
 * deleted. Secrets, `.env`, `node_modules/`, logs, and files that agents wrote are left as they are.
 *
 * Throws a Fault, among them `HOST_RUNNING`, `BACKUP_UNSAFE`, `BACKUP_DAMAGED`, `BACKUP_PASSPHRASE_MISSING`,
 * `BACKUP_PASSPHRASE_WRONG`, `STORE_CORRUPT`, `DISK_FULL`.
 */
export async function restoreBackup(archive: string, into: string, now: number): Promise<RestoreView> {
  const file = resolve(archive);
  if (!existsSync(file)) {
    throw new Fault({ code: 'BACKUP_MISSING', message: `there is no file ${file}`, next: 'daruma backup list' });
  }
  /** The first folder that is new. */
  const made = mkdirSync(join(into, 'data/run'), { recursive: true, mode: 0o700 });
  const folder = realpathSync(into);
  const guardian = guardianOf(folder);
  if (guardian !== undefined) {
    throw new Fault({
      code: 'HOST_RUNNING',
      message: `a guardian keeps a host running on ${folder}, pid ${guardian.pid}; nothing was changed`,
      next: 'daruma stop, then the same again',
    });
  }
  const lock = await lockFolder(folder, { time: machineTime });
  const staging = await mkdtemp(join(folder, 'data/.restoring-'));
  let isChanged = false;
  try {
    const unpacked = await unpackAndProve(file, staging, () => passphraseFor(file, folder));
    const aside = `data/before-restore-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}`;
    isChanged = true;
    writeFileSync(join(folder, UNFINISHED_RESTORE), JSON.stringify({ file, aside }));
    const kept = await putInPlace(unpacked, { staging, folder, aside });
    settleOnDisk(folder);
    rmSync(join(folder, UNFINISHED_RESTORE));
    return viewOf(unpacked, folder, kept ? aside : null);
  } finally {
    rmSync(staging, { recursive: true, force: true });
    await lock.release();
    if (!isChanged && made !== undefined) rmSync(made, { recursive: true, force: true });
  }
}

/** Whether anything had to be kept aside. */
async function putInPlace(
  unpacked: Unpacked,
  { staging, folder, aside }: { staging: string; folder: string; aside: string },
): Promise<boolean> {
  const store = await storePlace(staging, folder);
  let kept = false;
  for (const path of WHOLE) kept = moveAside(folder, path, aside) || kept;
  // The log of the store that was there would be taken for that of the new one, and undo it.
  for (const end of ['', '-wal', '-shm']) {
    const inside = relative(folder, store + end);
    const isInside = !inside.startsWith('..');
    kept = moveAside(folder, isInside ? inside : store + end, aside) || kept;
  }
  for (const { path, isFolder } of unpacked.list) {
    if (isFolder || path.startsWith(unpacked.store)) continue;
    const to = join(folder, path);
    if (isSame(join(staging, path), to)) continue;
    kept = moveAside(folder, path, aside) || kept;
    carry(join(staging, path), to);
  }
  // Last: without it a host would begin a new one.
  carry(join(staging, unpacked.store), store);
  return kept;
}

function isSame(one: string, other: string): boolean {
  try {
    return readFileSync(one).equals(readFileSync(other));
  } catch {
    return false;
  }
}

function viewOf({ about, store: _, list: __, ...proof }: Unpacked, folder: string, aside: string | null): RestoreView {
  const sources = { env: process.env, envFile: readEnvFile(folder) };
  const missing = (about.secrets ?? []).filter(({ name }) => findSecret(name, sources).is !== 'found');
  return { ...proof, folder, aside, packages: packagesOf(folder), secrets: missing };
}

/** The packages that the installation asks npm for, optional packages and those for development left out. */
export function packagesOf(folder: string): RestoreView['packages'] {
  let wanted: Record<string, unknown> = {};
  try {
    wanted = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies ?? {};
  } catch {
    // An installation without packages of its own.
  }
  return Object.entries(wanted).map(([name, version]) => ({
    name,
    wanted: String(version),
    installed: isInstalled(folder, name),
  }));
}

/** Where Node would find it: in the folder, or above. */
function isInstalled(from: string, name: string): boolean {
  for (let folder = from, last = ''; folder !== last; last = folder, folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', name, 'package.json'))) return true;
  }
  return false;
}

/** Folders that a restore replaces as a whole: a file that the backup has not must not go on working. */
const WHOLE = ['plugins', 'agents', 'config', 'data/versions', 'data/config'] as const;

/**
 * Moves a file or folder of the installation to the same path below `aside`; a file outside of it gets the last part of
 * `aside` at the end of its name. False when there is nothing to move.
 */
function moveAside(folder: string, path: string, aside: string): boolean {
  const from = isAbsolute(path) ? path : join(folder, path);
  if (lstatSync(from, { throwIfNoEntry: false }) === undefined) return false;
  if (statSync(from, { throwIfNoEntry: false })?.isDirectory() && readdirSync(from).length === 0) return false;
  const to = isAbsolute(path) ? `${path}.${basename(aside)}` : join(folder, aside, path);
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  renameSync(from, to);
  return true;
}

/** Moves one file, also to another disk. The folder of the path is made. */
function carry(from: string, to: string): void {
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
function settleOnDisk(folder: string): void {
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
