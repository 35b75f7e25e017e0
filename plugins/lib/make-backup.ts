import { copyFile, mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type Context, type Fleet, type FleetParts, z } from 'daruma';
import { pack } from './archive.ts';
import { ARCHIVE, type Keep, keepSetting, noteVerified, surplus } from './backups.ts';
import { contentsOf, hasCredentials } from './contents.ts';
import { ENCRYPTED, encryptFile } from './encrypted.ts';
import { digestOf, whileGrowing } from './files.ts';
import { bytesOf, showBytes, showMany, size } from './units.ts';

/** Folders and files of an installation that an archive holds beside the store. */
const FOLDERS = ['plugins', 'agents', 'config', 'vendor', 'data/config'];
const FILES = ['package.json', 'package-lock.json', 'tsconfig.json', 'AGENTS.md', 'README.md', '.gitignore'];
const NPMRC = '.npmrc';
/** Compiled versions; only those are packed that agents stand on. */
const VERSIONS = 'data/versions';
/** The file in which an archive describes itself. */
const ABOUT = 'data/backup.json';
/** Said of every archive. */
const LACKS = [
  'secrets and .env',
  'node_modules/ (npm install)',
  'logs/, and files that agents wrote outside of the store',
];

/** The settings of each plugin that makes archives. */
export const backupSettings = () =>
  z.strictObject({
    keep: keepSetting(),
    budget: size().default('10GB').describe('What all backups together may take; the newest is kept in any case.'),
    leaveFree: size().default('256MB').describe('Room on the disk that a backup must not touch: the host needs it.'),
  });

/** Their limits and needs: an archive of a large store takes hours, and is proved by the host. */
export const BACKUP_LIMITS = {
  memory: '256MB',
  timeout: '12h',
  silence: '20m',
  attempts: 3,
  backoff: { first: '1m', longest: '10m' },
} as const;
export const BACKUP_NEEDS = { fleet: true, read: [...FOLDERS, ...FILES, NPMRC, VERSIONS], write: ['backups'] };

type Making = Pick<
  Context<z.output<ReturnType<typeof backupSettings>>>,
  'settings' | 'agent' | 'job' | 'folder' | 'fleet' | 'beat' | 'signal' | 'summary'
>;

/** Makes an archive in `backups/`, encrypted with the passphrase, that counts because it was restored and started; then deletes those that are not kept. */
export async function makeBackup(
  { settings, agent, job, folder, fleet, beat, signal, summary }: Making,
  passphrase: string | null,
) {
  const parts = await fleet.parts();
  const backups = join(folder, 'backups');
  await mkdir(backups, { recursive: true });
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const name = `daruma-${stamp}.tar.zst${passphrase === null ? '' : ENCRYPTED}`;
  const mine = `.making-${agent}-`;
  const work = join(backups, mine + stamp);
  // The work of an attempt that was killed is of no use to anybody.
  for (const old of await readdir(backups))
    if (old.startsWith(mine)) await rm(join(backups, old), { recursive: true, force: true });
  await checkRoom(backups, parts.store.bytes, bytesOf(settings.leaveFree));
  try {
    const made = { madeAt: new Date().toISOString(), job: job.id, agent };
    const terms = { fleet, folder, parts, made, work, passphrase, beat, signal };
    const { draft, jobs, entries, agents, lacks } = await makeAndProve(terms);
    const { size: bytes } = await stat(draft);
    await rename(draft, join(backups, name));
    const { gone, left } = await prune(backups, settings.keep, bytesOf(settings.budget));
    await noteVerified(backups, { name, bytes, at: new Date().toISOString() }, left);
    const what = `${showMany(jobs, 'job')}, ${showMany(entries, 'entry', 'entries')}, ${showBytes(bytes)}`;
    const proven = `restored into an empty folder, where ${showMany(agents.length, 'agent')} would start`;
    summary(`\`backups/${name}\`: ${what}, ${proven}. ${showMany(gone, 'older backup')} deleted.`);
    return { file: `backups/${name}`, bytes, jobs, entries, agents, checked: true, lacks };
  } catch (error) {
    throw await explain(error, backups);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface BackupWork {
  fleet: Fleet;
  folder: string;
  parts: FleetParts;
  /** By whom and when. */
  made: { madeAt: string; job: string; agent: string };
  /** An own folder in backups/, for the copy and the draft. */
  work: string;
  /** null: the archive is not encrypted. */
  passphrase: string | null;
  beat: (note: string) => void;
  signal: AbortSignal;
}

/**
 * Makes the archive. The host proves the copy of the store; the archive counts when it was unpacked into an empty folder, the
 * installation in there starts, and its store is that copy, byte for byte.
 */
async function makeAndProve({ fleet, folder, parts, made, work, passphrase, beat, signal }: BackupWork) {
  const step = (note: string) => {
    signal.throwIfAborted();
    beat(note);
  };
  const grew = (bytes: number) => beat(`${showBytes(bytes)} of the store`);
  const content = join(work, 'content');
  const inside = parts.store.path;
  const copy = join(content, inside);
  const packedFile = join(work, 'draft.tar.zst');
  const draft = passphrase === null ? packedFile : `${packedFile}${ENCRYPTED}`;

  step('copying the store');
  await mkdir(dirname(copy), { recursive: true });
  const { jobs } = await whileGrowing(copy, grew, () => fleet.backUp(copy));
  const digest = await digestOf(copy);

  step('packing');
  const strip = `${relative(folder, content)}/`;
  const { paths: present, lacks } = await presentIn(folder, parts);
  // The host writes these anew while they are packed; a copy stays as long as it was.
  const ofHost = present.filter((path) => path.startsWith('data/'));
  for (const path of ofHost) await copyIfThere(join(folder, path), join(content, path));
  const about = { format: 1, ...made, version: parts.version, store: inside, secrets: parts.secrets, lacks };
  await write(join(content, ABOUT), JSON.stringify(about));
  // Unpacked over an installation that crashed, the copy must not be taken for the beginning of the log that lies there.
  await write(`${copy}-wal`, '');
  for (const { path, from } of parts.sources.filter(({ path }) => !present.includes(path))) {
    await mkdir(dirname(join(content, path)), { recursive: true });
    await copyFile(join(folder, from), join(content, path));
  }
  const still = present.filter((path) => !ofHost.includes(path));
  const paths = [...still, ...(await contentsOf(content, ['.'])).paths.slice(1).map((path) => join(strip, path))];
  const packed = await pack(packedFile, { folder, paths, strip }, (bytes) => step(`packed ${showBytes(bytes)}`));
  await rm(copy); // makes room for the copy that is unpacked
  if (passphrase !== null) {
    step('encrypting');
    await whileGrowing(
      draft,
      (bytes) => beat(`${showBytes(bytes)} encrypted`),
      () => encryptFile(packedFile, draft, passphrase),
    );
    await rm(packedFile);
  }

  step('restoring it into an empty folder');
  const proof = await fleet.proveBackup(draft);
  const bytes = [...packed.values()].reduce((sum, size) => sum + size, 0);
  if (proof.entries !== packed.size || proof.bytes !== bytes)
    throw new Error(
      `the archive differs from what went in: ${proof.entries} entries of ${proof.bytes} bytes, and not ${packed.size} of ${bytes}`,
    );
  if (proof.storeHash !== digest) throw new Error('the store in the archive differs from the copy that went in');
  signal.throwIfAborted();
  return { draft, jobs, entries: packed.size, agents: proof.agents, lacks };
}

/** Filling the disk of the live store would hurt more than a missing backup, so it is not even tried. */
async function checkRoom(backups: string, store: number, leaveFree: number): Promise<void> {
  const { bavail, bsize } = await statfs(backups);
  const free = bavail * bsize;
  const needed = 2 * store + leaveFree; // the copy and, at worst, an archive as big; then the archive and the copy read back
  if (free < needed)
    throw new Error(
      `no room for a backup: backups/ has ${showBytes(free)} free, ${showBytes(needed)} are needed ` +
        `(the store has ${showBytes(store)}, ${showBytes(leaveFree)} stay free); free some, or lower keep or budget`,
    );
}

/** Lists the installation's own files, and those that its archive leaves out. */
async function presentIn(folder: string, parts: FleetParts): Promise<{ paths: string[]; lacks: string[] }> {
  const npmrc = await readFile(join(folder, NPMRC), 'utf8').catch(() => '');
  const files = hasCredentials(npmrc) ? FILES : [...FILES, NPMRC];
  const found = await contentsOf(folder, [...FOLDERS, ...files, ...parts.versions]);
  const credentials = files.includes(NPMRC) ? [] : [`${NPMRC}: it holds credentials`];
  return { paths: found.paths, lacks: [...LACKS, ...credentials, ...parts.lacks, ...found.lacks] };
}

/** A file; folders come with what is in them. A file that went meanwhile is not wanted any more. */
async function copyIfThere(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'EISDIR' && error.code !== 'ERR_FS_EISDIR') throw error;
  });
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function prune(backups: string, keep: number | Keep, budget: number): Promise<{ gone: number; left: string[] }> {
  const archives = (await readdir(backups)).filter((name) => ARCHIVE.test(name));
  const files = await Promise.all(
    archives.map(async (name) => ({ name, bytes: (await stat(join(backups, name))).size })),
  );
  const going = surplus(files, keep, budget);
  for (const { name } of going) await rm(join(backups, name), { force: true });
  const names = new Set(going.map(({ name }) => name));
  return { gone: going.length, left: files.map(({ name }) => name).filter((name) => !names.has(name)) };
}

async function explain(error: unknown, backups: string): Promise<unknown> {
  const { code } = error as { code?: string };
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'STORE_FULL') return error;
  const { bavail, bsize } = await statfs(backups);
  const why = `the disk ran full while the backup was made (backups/ has ${showBytes(bavail * bsize)} free)`;
  return new Error(`${why}; nothing half made was left, earlier backups are untouched`, { cause: error });
}
