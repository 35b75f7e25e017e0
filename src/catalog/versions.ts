import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VersionRef } from '../jobs/agent.ts';
import type { Issue } from './issues.ts';
import type { PluginManifest } from './plugin-manifest.ts';
import { BUNDLE_FILE, MANIFEST_FILE, MAP_FILE } from './version-files.ts';
import type { Input } from './workshop/messages.ts';

/** A version as it lies on disk. */
export interface StoredVersion {
  ref: VersionRef;
  /** The plugin's file, relative to the installation. */
  entry: string;
  /** Where that file really was: it may be reached through a link. */
  real: string;
  /** The Daruma that it was made with. */
  runtime: string;
  inputs: Input[];
  manifest: PluginManifest;
  /** What its schema has against no settings at all. */
  emptyIssues: Issue[];
}

/** The compiled code of plugins on disk, named by content: `<plugin>/<id>/` with bundle, source map and manifest. */
export interface Versions {
  /** Reads what is there; unreadable versions are left out. */
  open(): Promise<void>;
  get(plugin: string, id: string): StoredVersion | undefined;
  of(plugin: string): StoredVersion[];
  all(): StoredVersion[];
  /** A new empty folder for a version in the making. */
  stage(): Promise<string>;
  /** Moves a staged version to its place; a version that is there already only gets the new inputs. */
  keep(staging: string, version: Omit<StoredVersion, 'ref'> & { plugin: string; id: string }): Promise<StoredVersion>;
  discard(staging: string): Promise<void>;
  /** Deletes all but the newest few of each plugin; those in `used` (`plugin/id`) stay. */
  prune(used: ReadonlySet<string>): Promise<void>;
}

const FORMAT = 2;
const STAGING = '.staging';
/** Besides those in force: what a rollback can go back to, and what workers of the last minutes may still read. */
const KEPT_BESIDES = 5;

export function createVersions(folder: string): Versions {
  const versions = new Map<string, StoredVersion[]>();

  async function open() {
    versions.clear();
    await rm(join(folder, STAGING), { recursive: true, force: true });
    await mkdir(join(folder, STAGING), { recursive: true });
    for (const plugin of await namesIn(folder)) {
      const found: { version: StoredVersion; at: number }[] = [];
      for (const id of await namesIn(join(folder, plugin))) {
        const version = await readVersion(plugin, id);
        if (version) found.push(version);
      }
      found.sort((a, b) => a.at - b.at);
      versions.set(
        plugin,
        found.map(({ version }) => version),
      );
    }
  }

  function refOf(plugin: string, id: string): VersionRef {
    const at = join(folder, plugin, id);
    return { plugin, id, file: join(at, BUNDLE_FILE), mapFile: join(at, MAP_FILE) };
  }

  async function readVersion(plugin: string, id: string): Promise<{ version: StoredVersion; at: number } | undefined> {
    try {
      const ref = refOf(plugin, id);
      const manifestFile = join(folder, plugin, id, MANIFEST_FILE);
      const { format, bytes, ...rest } = JSON.parse(await readFile(manifestFile, 'utf8'));
      const bundle = await stat(ref.file);
      // A bundle that a power cut left short must not run.
      if (format !== FORMAT || bundle.size !== bytes) return undefined;
      return { version: { ...rest, ref }, at: (await stat(manifestFile)).mtimeMs };
    } catch {
      return undefined;
    }
  }

  return {
    open,
    get: (plugin, id) => versions.get(plugin)?.find(({ ref }) => ref.id === id),
    of: (plugin) => versions.get(plugin) ?? [],
    all: () => [...versions.values()].flat(),
    stage: () => mkdtemp(join(folder, STAGING, 'v-')),
    async keep(staging, { plugin, id, ...rest }) {
      const at = join(folder, plugin, id);
      const stored: StoredVersion = { ...rest, ref: refOf(plugin, id) };
      const list = (versions.get(plugin) ?? []).filter(({ ref }) => ref.id !== id);
      const { size: bytes } = await stat(join(staging, BUNDLE_FILE));
      await writeFile(join(staging, MANIFEST_FILE), JSON.stringify({ format: FORMAT, bytes, ...rest }));
      if (await isWhole(at, bytes)) {
        await rename(join(staging, MANIFEST_FILE), join(at, MANIFEST_FILE));
        await rm(staging, { recursive: true, force: true });
      } else {
        await rm(at, { recursive: true, force: true });
        await mkdir(join(folder, plugin), { recursive: true });
        await rename(staging, at);
      }
      versions.set(plugin, [...list, stored]);
      return stored;
    },
    discard: (staging) => rm(staging, { recursive: true, force: true }),
    async prune(used) {
      for (const [plugin, list] of versions) {
        const spare = list.filter(({ ref }) => !used.has(`${plugin}/${ref.id}`));
        for (const { ref } of spare.slice(0, Math.max(0, spare.length - KEPT_BESIDES))) {
          await rm(join(folder, plugin, ref.id), { recursive: true, force: true });
          versions.set(
            plugin,
            versions.get(plugin)!.filter((version) => version.ref.id !== ref.id),
          );
        }
      }
    },
  };
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
