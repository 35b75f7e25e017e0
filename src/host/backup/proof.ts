import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { resolveHostSettings } from '../../catalog/files/host-settings.ts';
import type { ProofView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { proveStore } from '../../store/open.ts';
import { type Entry, entriesOf, unpack } from './archive.ts';

/** The file in which a backup says what it is; `plugins/backup.ts` writes it. */
export const ABOUT = 'data/backup.json';

/** What a backup says of itself; each part is missing in archives of before. */
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

/** Unpacks an archive into an empty folder and proves that its store can be worked with. Throws a Fault with what is wrong. */
export async function unpackAndProve(file: string, into: string): Promise<Unpacked> {
  const list = await entriesOf(file);
  const paths = new Set(list.map(({ path }) => path));
  if (![...paths].some((path) => path.startsWith('plugins/'))) {
    throw new Fault({
      code: 'BACKUP_UNKNOWN',
      message: `${file} is no backup of an installation: there is nothing in plugins/`,
      next: 'daruma backup list',
    });
  }
  await unpack(file, list, into);
  const about = await aboutOf(into);
  const store = about.store !== undefined && paths.has(about.store) ? about.store : STORE;
  if (!paths.has(store)) {
    throw new Fault({ code: 'BACKUP_UNKNOWN', message: `${file} holds no store`, next: 'daruma backup list' });
  }
  const { jobs } = proveStore({ file: join(into, store) });
  const lacks = about.lacks ?? [
    ...ALWAYS_LACKS,
    ...['package.json', 'package-lock.json'].filter((name) => !paths.has(name)),
  ];
  const bytes = list.reduce((sum, entry) => sum + entry.bytes, 0);
  return { file, about, store, list, madeAt: about.madeAt ?? null, jobs, entries: list.length, bytes, lacks };
}

/** Proves that an archive can be restored, in a temporary folder that is gone afterwards. */
export async function verifyBackup(file: string): Promise<ProofView> {
  const place = await mkdtemp(join(tmpdir(), 'daruma-verify-'));
  try {
    const { about: _, store: __, list: ___, ...proof } = await unpackAndProve(resolve(file), place);
    return proof;
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
    // None, or none that a host would start with: it says so itself.
    return join(folder, STORE);
  }
}

/** What the backup in a folder says of itself. Not everybody's JSON is ours: only what has the right type counts. */
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
