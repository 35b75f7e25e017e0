import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { guardianOf } from '../../control/place.ts';
import type { RestoreView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { machineTime } from '../../kernel/time.ts';
import { lockFolder } from '../lifecycle/lock.ts';
import { findSecret, readEnvFile } from '../secrets/find.ts';
import { carry, moveAside, settleOnDisk, WHOLE } from './aside.ts';
import { storePlace, type Unpacked, unpackAndProve } from './proof.ts';
import { UNFINISHED_RESTORE } from './restored.ts';

/**
 * Makes an installation be what a backup says: into a new folder, or into one whose host is stopped. Nothing is touched
 * before the archive has been unpacked beside it and its store was found whole; nothing of what was there is deleted, it
 * is kept aside. Secrets, `.env`, `node_modules/`, logs, and files that agents wrote are left as they are.
 *
 * Throws a Fault, among them `HOST_RUNNING`, `BACKUP_UNSAFE`, `BACKUP_DAMAGED`, `STORE_CORRUPT`, `DISK_FULL`.
 */
export async function restoreBackup(archive: string, into: string, now: number): Promise<RestoreView> {
  const file = resolve(archive);
  if (!existsSync(file)) {
    throw new Fault({ code: 'BACKUP_MISSING', message: `there is no file ${file}`, next: 'daruma backup list' });
  }
  mkdirSync(join(into, 'data/run'), { recursive: true, mode: 0o700 });
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
  try {
    const unpacked = await unpackAndProve(file, staging);
    const aside = `data/before-restore-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}`;
    writeFileSync(join(folder, UNFINISHED_RESTORE), JSON.stringify({ file, aside }));
    const kept = await putInPlace(unpacked, { staging, folder, aside });
    settleOnDisk(folder);
    rmSync(join(folder, UNFINISHED_RESTORE));
    return viewOf(unpacked, folder, kept ? aside : null);
  } finally {
    rmSync(staging, { recursive: true, force: true });
    await lock.release();
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

/** What the installation asks npm for, optional packages and those for development left out. */
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
