import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, list } from 'tar';
import { resolveHostSettings } from '../../catalog/files/host-settings.ts';
import type { ProofView, VerifiedView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { formatSize } from '../../kernel/units.ts';
import { proveStore } from '../../store/open.ts';
import type { SecretSearch } from '../secrets/find.ts';
import { passphraseFor, withPlainArchive } from './decrypt.ts';
import { dryStart } from './dry-start.ts';

/** A file or folder in an archive that is safe to unpack: inside of the folder, and no link. */
interface Entry {
  path: string;
  isFolder: boolean;
  bytes: number;
}

/** Left free when an archive is unpacked. */
const LEAVE_FREE = 64 * MB;
const PLAIN_TYPES = new Set(['File', 'OldFile', 'ContiguousFile', 'Directory']);

/**
 * Reads a whole archive. Throws `BACKUP_MISSING`, `BACKUP_DAMAGED` for one that cannot be read to its end, and
 * `BACKUP_UNSAFE` for one with a link, a device, or a path that leads out of the folder that it is unpacked into: none of
 * that comes from `daruma backup`, and nothing of it is written.
 */
export async function entriesOf(file: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const unsafe: string[] = [];
  await reading(file, () =>
    list({
      file,
      strict: true,
      maxDecompressionRatio: Number.POSITIVE_INFINITY, // an empty store is all but zeros
      onReadEntry({ path, type, size }) {
        const plain = PLAIN_TYPES.has(type) && staysInside(path);
        if (!plain) unsafe.push(`${path} (${PLAIN_TYPES.has(type) ? 'leads out of the folder' : type})`);
        else if (plainName(path) !== '.')
          entries.push({ path: plainName(path), isFolder: type === 'Directory', bytes: size });
      },
    }),
  );
  if (unsafe.length > 0) {
    throw new Fault({
      code: 'BACKUP_UNSAFE',
      message: `${file} holds ${unsafe.length === 1 ? 'an entry' : `${unsafe.length} entries`} that no backup has: ${unsafe.slice(0, 3).join(', ')}`,
      next: 'nothing was unpacked; if you trust it, look at it with tar tvf',
    });
  }
  return entries;
}

/** Unpacks an archive whose {@link entriesOf} are known into an empty folder. Throws `DISK_FULL` before it begins where there is no room. */
async function unpack(file: string, entries: readonly Entry[], into: string): Promise<void> {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const { bavail, bsize } = await statfs(into);
  if (bavail * bsize < bytes + LEAVE_FREE) {
    const free = formatSize(bavail * bsize);
    throw new Fault({
      code: 'DISK_FULL',
      message: `no room to unpack ${file}: ${into} has ${free} free, ${formatSize(bytes + LEAVE_FREE)} are needed`,
      next: 'free some space (df -h); nothing was changed',
    });
  }
  const known = new Set(entries.map(({ path }) => path));
  await reading(file, () =>
    extract({
      file,
      cwd: into,
      strict: true,
      maxDecompressionRatio: Number.POSITIVE_INFINITY,
      filter: (path) => known.has(plainName(path)),
    }),
  );
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** The path as it is written in other places: `./plugins/` is `plugins`. */
function plainName(path: string): string {
  return path.replace(/^(\.\/+)+/, '').replace(/\/+$/, '') || '.';
}

async function reading(file: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && message.includes(file)) {
      throw new Fault({ code: 'BACKUP_MISSING', message: `there is no file ${file}`, next: 'daruma backup list' });
    }
    const next = 'take another one: daruma backup list';
    throw new Fault({ code: 'BACKUP_DAMAGED', message: `${file} cannot be read: ${message}`, next }, { cause });
  }
}

/** Whether a path of an archive stays in the folder that the archive is unpacked into. */
export function staysInside(path: string): boolean {
  if (path === '' || path.startsWith('/') || /^[a-z]:/i.test(path) || /[\0\\]/.test(path)) return false;
  return !path.split('/').includes('..');
}

/** The file in which a backup says what it is; `plugins/backup.ts` writes it. */
export const ABOUT = 'data/backup.json';

/** The description that a backup has of itself; each part is missing in archives of before. */
interface About {
  madeAt?: string;
  /** The job that made it: running in the copy, and over when the copy is somebody's installation. */
  job?: string;
  agent?: string;
  /** Where the store lies in the archive. */
  store?: string;
  secrets?: { name: string; agents: string[] }[];
  lacks?: string[];
}

/** Everything that is known of an archive that lies unpacked in a folder. */
export interface Unpacked extends ProofView {
  about: About;
  /** Where its store is, relative to the folder. */
  store: string;
  list: Entry[];
}

const STORE = 'data/daruma.db';
/** Of archives that do not say it themselves. */
const ALWAYS_LACKS = ['secrets and .env', 'node_modules/ (npm install)'];

/**
 * Unpacks an archive into an empty folder and proves that its store can be worked with; `passphrase` is asked for one that is
 * encrypted. Throws a Fault with what is wrong, also those of {@link withPlainArchive}.
 */
export async function unpackAndProve(file: string, into: string, passphrase: () => SecretSearch): Promise<Unpacked> {
  const list = await withPlainArchive({ file, into, passphrase }, (archive) => unpackWhole(archive, into));
  return await proveUnpacked(file, into, list);
}

/** The entries that it has unpacked. */
async function unpackWhole(file: string, into: string): Promise<Entry[]> {
  const list = await entriesOf(file);
  if (!list.some(({ path }) => path.startsWith('plugins/'))) {
    throw new Fault({
      code: 'BACKUP_UNKNOWN',
      message: `${file} is no backup of an installation: there is nothing in plugins/`,
      next: 'daruma backup list',
    });
  }
  await unpack(file, list, into);
  return list;
}

async function proveUnpacked(file: string, into: string, list: Entry[]): Promise<Unpacked> {
  const paths = new Set(list.map(({ path }) => path));
  const about = await aboutOf(into);
  const store = about.store !== undefined && paths.has(about.store) ? about.store : STORE;
  if (!paths.has(store)) {
    throw new Fault({ code: 'BACKUP_UNKNOWN', message: `${file} holds no store`, next: 'daruma backup list' });
  }
  // Before SQLite brings the store to today's schema.
  const storeHash = await hashOf(join(into, store));
  const { jobs } = proveStore({ file: join(into, store) });
  const lacks = about.lacks ?? [
    ...ALWAYS_LACKS,
    ...['package.json', 'package-lock.json'].filter((name) => !paths.has(name)),
  ];
  const bytes = list.reduce((sum, entry) => sum + entry.bytes, 0);
  return {
    file,
    about,
    store,
    list,
    madeAt: about.madeAt ?? null,
    jobs,
    entries: list.length,
    bytes,
    storeHash,
    lacks,
  };
}

/**
 * Proves that an archive can be restored and started, in a temporary folder that is gone afterwards. The passphrase of one that is
 * encrypted is a secret of the installation `folder`.
 */
export async function verifyBackup(file: string, folder: string): Promise<VerifiedView> {
  const archive = resolve(file);
  const place = await mkdtemp(join(tmpdir(), 'daruma-verify-'));
  try {
    const {
      about: _,
      store,
      list: __,
      ...proof
    } = await unpackAndProve(archive, place, () => passphraseFor(archive, folder));
    return { ...proof, agents: await dryStart(place, store) };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** Where the store of an unpacked installation is to be, absolute: as its own settings say, in `folder`. */
export async function storePlace(unpacked: string, folder: string): Promise<string> {
  const file = 'config/daruma.yaml';
  try {
    const text = await readFile(join(unpacked, file), 'utf8');
    return resolve(folder, resolveHostSettings(text, file).settings.store.file);
  } catch {
    // No config, or a config with which no host would start: the host reports that itself.
    return join(folder, STORE);
  }
}

/** The description of the backup that lies in a folder; only values of the right type count. */
export async function aboutOf(folder: string): Promise<About> {
  try {
    const found = JSON.parse(await readFile(join(folder, ABOUT), 'utf8')) as Record<string, unknown>;
    const text = (name: string) => (typeof found[name] === 'string' ? { [name]: found[name] } : {});
    const lacks = Array.isArray(found.lacks) ? { lacks: found.lacks.filter((one) => typeof one === 'string') } : {};
    const secrets = Array.isArray(found.secrets) ? { secrets: found.secrets.filter(isNeed) } : {};
    return { ...text('madeAt'), ...text('job'), ...text('agent'), ...text('store'), ...secrets, ...lacks };
  } catch {
    return {};
  }
}

function isNeed(value: unknown): value is { name: string; agents: string[] } {
  const { name, agents } = (value ?? {}) as { name?: unknown; agents?: unknown };
  return typeof name === 'string' && Array.isArray(agents) && agents.every((agent) => typeof agent === 'string');
}
