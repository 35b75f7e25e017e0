import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { VersionRef } from '../../jobs/agent.ts';
import { MB } from '../../kernel/measures.ts';
import { pathInside } from '../../kernel/paths.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Emits } from '../builder/emits.ts';
import type { CompiledInput } from '../builder/messages.ts';
import type { Issue } from '../files/issues.ts';
import type { PluginManifest } from '../files/plugin-manifest.ts';
import { BUNDLE_FILE, MANIFEST_FILE, MAP_FILE, SOURCE_FOLDER, shownPathOf } from './files.ts';
import type { Lookup } from './lookups.ts';

/** A version as it lies on disk. */
export interface StoredVersion {
  ref: VersionRef;
  /** The plugin's file, relative to the installation. */
  entry: string;
  /** The real path of that file: it may be reached through a link. */
  real: string;
  /** The Daruma that made it. */
  runtime: string;
  inputs: CompiledInput[];
  /**
   * Lookups on which its imports hang; undefined for a version of an older Daruma, which asked none: it is compiled
   * once more.
   */
  lookups?: Lookup[];
  /** Paths that it may read at run time, as seen from its folder, or absolute. */
  reads: string[];
  /** Topics that its source emits; undefined for a version of an older Daruma. */
  emits?: Emits;
  manifest: PluginManifest;
  /** The problems that its schema has with empty settings. */
  emptyIssues: Issue[];
  /** The size of its kept sources. */
  sourceBytes: number;
  /** Epoch ms at which these files were compiled last. */
  madeAt: number;
  /** The size of all of its files. */
  bytes: number;
}

/** A version in the making, as far as it is known. */
type MadeVersion = Omit<StoredVersion, 'ref' | 'madeAt' | 'bytes'> & { plugin: string; id: string };

/** The compiled code of plugins on disk, named by content: `<plugin>/<id>/` with bundle, source map, source and manifest. */
export interface Versions {
  /** Reads the versions of the folder, and makes room for new ones; unreadable versions are left out. */
  open(): Promise<void>;
  /** Reads the versions of the folder, which is not changed: a host may be at work in it. */
  look(): Promise<void>;
  get(plugin: string, id: string): StoredVersion | undefined;
  of(plugin: string): StoredVersion[];
  all(): StoredVersion[];
  /** Makes an empty folder for a version in the making. */
  stage(): Promise<string>;
  /** Moves a staged version to its place; a version that is there already only gets the new inputs. */
  keep(staging: string, version: MadeVersion): Promise<StoredVersion>;
  discard(staging: string): Promise<void>;
  /** The author's files that it was made of: path → text. Empty when they were not kept. */
  sources(version: StoredVersion): Promise<Map<string, string>>;
  /**
   * Deletes all but the newest 20 of each plugin, and then the oldest of all until the rest fits into the budget.
   * Versions in `used` (`plugin/id`: in force, good, or what a rollback goes to) and the newest two of each plugin
   * besides stay, whatever the budget. Resolves with the bytes that came free.
   */
  prune(used: ReadonlySet<string>, bytes?: number): Promise<number>;
}

const FORMAT = 3;
/** The format of versions without lookups. */
const OLDER_FORMAT = 2;
const STAGING = '.staging';
const BUDGET_BYTES = 256 * MB;

/** `budgetBytes`: the size of all versions together, asked at each pruning; default 256 MB. */
export function createVersions(at: string, budgetBytes = () => BUDGET_BYTES): Versions {
  const versions = new Map<string, StoredVersion[]>();
  /** By plugin, the end of the last work on its folder. */
  const lastWork = new Map<string, Promise<void>>();
  let folder = at;

  async function open() {
    await rm(join(folder, STAGING), { recursive: true, force: true });
    await mkdir(join(folder, STAGING), { recursive: true, mode: 0o700 });
    // `data` may be a link to another disk: a module is loaded from where it is, and rights are asked for that place.
    folder = await realpath(at);
    await look();
  }

  async function look() {
    versions.clear();
    for (const plugin of await namesIn(folder)) {
      const found: StoredVersion[] = [];
      for (const id of await namesIn(join(folder, plugin))) {
        const version = await readVersion(plugin, id);
        if (version) found.push(version);
      }
      versions.set(
        plugin,
        found.sort((a, b) => a.madeAt - b.madeAt),
      );
    }
  }

  function refOf(plugin: string, id: string, reads: readonly string[]): VersionRef {
    const at = join(folder, plugin, id);
    const files = { file: join(at, BUNDLE_FILE), mapFile: join(at, MAP_FILE) };
    return { plugin, id, ...files, reads: reads.map((path) => resolve(at, path)) };
  }

  async function readVersion(plugin: string, id: string): Promise<StoredVersion | undefined> {
    try {
      const { format, bytes, ...rest } = JSON.parse(await readFile(join(folder, plugin, id, MANIFEST_FILE), 'utf8'));
      const ref = refOf(plugin, id, rest.reads ?? []);
      const bundle = await stat(ref.file);
      // A bundle that a power cut left short must not run.
      if ((format !== FORMAT && format !== OLDER_FORMAT) || bundle.size !== bytes) return undefined;
      return await withAgeAndSize({ sourceBytes: 0, reads: [], ...rest, ref });
    } catch {
      return undefined;
    }
  }

  /** Adds age and size on disk. */
  async function withAgeAndSize(version: Omit<StoredVersion, 'madeAt' | 'bytes'>): Promise<StoredVersion> {
    const { plugin, id, file, mapFile } = version.ref;
    const manifest = await stat(join(folder, plugin, id, MANIFEST_FILE));
    const [bundle, map] = await Promise.all([stat(file), stat(mapFile).catch(() => ({ size: 0 }))]);
    const bytes = bundle.size + map.size + manifest.size + version.sourceBytes;
    return { ...version, madeAt: manifest.mtimeMs, bytes };
  }

  /**
   * Does the work on one plugin's folder in turn: a version is read whole, and never while it is written, renewed or
   * deleted.
   */
  function inTurn<T>(plugin: string, work: () => Promise<T>): Promise<T> {
    const done = (lastWork.get(plugin) ?? Promise.resolve()).then(work);
    const end = () => {};
    lastWork.set(plugin, done.then(end, end));
    return done;
  }

  async function keep(staging: string, { plugin, id, ...rest }: MadeVersion): Promise<StoredVersion> {
    const at = join(folder, plugin, id);
    const { size: bytes } = await stat(join(staging, BUNDLE_FILE));
    await writeFile(join(staging, MANIFEST_FILE), JSON.stringify({ format: FORMAT, bytes, ...rest }));
    if (await isWhole(at, bytes)) await renew(at, staging);
    else {
      await rm(at, { recursive: true, force: true });
      await mkdir(join(folder, plugin), { recursive: true, mode: 0o700 });
      await rename(staging, at);
    }
    const stored = await withAgeAndSize({ ...rest, ref: refOf(plugin, id, rest.reads) });
    versions.set(plugin, [...others({ plugin, id }), stored]);
    return stored;
  }

  async function remove({ plugin, id }: VersionRef): Promise<void> {
    await rm(join(folder, plugin, id), { recursive: true, force: true });
    versions.set(plugin, others({ plugin, id }));
  }

  /** The versions of a plugin without this one. */
  const others = ({ plugin, id }: Pick<VersionRef, 'plugin' | 'id'>) =>
    (versions.get(plugin) ?? []).filter(({ ref }) => ref.id !== id);

  return {
    open,
    look,
    get: (plugin, id) => versions.get(plugin)?.find(({ ref }) => ref.id === id),
    of: (plugin) => versions.get(plugin) ?? [],
    all: () => [...versions.values()].flat(),
    stage: () => mkdtemp(join(folder, STAGING, 'v-')),
    keep: (staging, version) => inTurn(version.plugin, () => keep(staging, version)),
    discard: (staging) => rm(staging, { recursive: true, force: true }),
    sources: ({ ref: { plugin, id } }) =>
      inTurn(plugin, async () => {
        const root = join(folder, plugin, id, SOURCE_FOLDER);
        const texts = new Map<string, string>();
        for (const [path, isFolder] of await entriesBelow(root)) {
          if (!isFolder) texts.set(shownPathOf(path), textOf(await readFile(join(root, path))));
        }
        return texts;
      }),
    async prune(used, bytes = budgetBytes()) {
      const spare = spareVersions([...versions.values()], used, bytes);
      for (const { ref } of spare) await inTurn(ref.plugin, () => remove(ref));
      return spare.reduce((sum, one) => sum + one.bytes, 0);
    },
  };
}

/**
 * Gives a version that is kept the map, the sources and the manifest of a newer compilation to the same code (other
 * comments, another tsconfig). Each file takes the place of its predecessor: a worker that loads the version meanwhile
 * misses none of its assets, which are the same.
 */
async function renew(at: string, staging: string): Promise<void> {
  const [from, to] = [join(staging, SOURCE_FOLDER), join(at, SOURCE_FOLDER)];
  const fresh = await entriesBelow(from);
  for (const [path, isFolder] of await entriesBelow(to)) {
    if (fresh.get(path) !== isFolder) await rm(join(to, path), { recursive: true, force: true });
  }
  await mkdir(to, { recursive: true });
  for (const [path, isFolder] of fresh) {
    if (isFolder) await mkdir(join(to, path), { recursive: true });
    else await rename(join(from, path), join(to, path));
  }
  await rename(join(staging, MAP_FILE), join(at, MAP_FILE)).catch(() => {});
  await rename(join(staging, MANIFEST_FILE), join(at, MANIFEST_FILE));
  await rm(staging, { recursive: true, force: true });
}

/** Everything below a folder, by its path from there: whether the entry is a folder. Folders come before what is in them. */
async function entriesBelow(folder: string): Promise<Map<string, boolean>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const entries = found.map(
    (entry) => [pathInside(folder, join(entry.parentPath, entry.name)), entry.isDirectory()] as const,
  );
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A file that is no text is shown by its size and hash. */
function textOf(bytes: Buffer): string {
  if (!bytes.includes(0)) return bytes.toString();
  return `(no text: ${bytes.byteLength} bytes, SHA-256 ${sha256(bytes)})\n`;
}

async function isWhole(folder: string, bytes: number): Promise<boolean> {
  return stat(join(folder, BUNDLE_FILE)).then(
    ({ size }) => size === bytes,
    () => false,
  );
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
}

/** A kept version, as pruning sees it. */
export interface KeptVersion {
  ref: Pick<VersionRef, 'plugin' | 'id'>;
  /** Epoch ms. */
  madeAt: number;
  bytes: number;
}

/** Versions of each plugin that are kept beside those in use. */
export const KEPT_BESIDES = 20;
/** Versions that workers of the last minutes may still read. */
export const KEPT_ALWAYS = 2;

/**
 * The versions that are deleted: of each plugin all but the newest {@link KEPT_BESIDES} that are not in use, and then
 * the oldest of all until the rest fits into the budget. Versions in `used` (`plugin/id`: in force, good, or what a
 * rollback goes to) and the newest {@link KEPT_ALWAYS} besides stay, whatever the budget. `lists`: one for each plugin,
 * oldest first.
 */
export function spareVersions<V extends KeptVersion>(
  lists: readonly (readonly V[])[],
  used: ReadonlySet<string>,
  budgetBytes: number,
): V[] {
  let bytes = 0;
  const going: V[] = [];
  const ifNeeded: V[] = [];
  for (const list of lists) {
    for (const version of list) bytes += version.bytes;
    const unused = list.filter(({ ref }) => !used.has(`${ref.plugin}/${ref.id}`));
    going.push(...unused.slice(0, Math.max(0, unused.length - KEPT_BESIDES)));
    ifNeeded.push(...unused.slice(-KEPT_BESIDES).slice(0, -KEPT_ALWAYS));
  }
  for (const version of going) bytes -= version.bytes;
  for (const version of ifNeeded.sort((a, b) => a.madeAt - b.madeAt)) {
    if (bytes <= budgetBytes) break;
    bytes -= version.bytes;
    going.push(version);
  }
  return going;
}
