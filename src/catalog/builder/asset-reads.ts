import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PartialMessage } from 'esbuild';
import { MB } from '../../kernel/measures.ts';
import { pathInside } from '../../kernel/paths.ts';
import { sha256 } from '../../kernel/sha256.ts';
import { formatSize } from '../../kernel/units.ts';
import { DATA_MOST_BYTES, isCode } from '../files/source-limit.ts';
import { keptPathOf, SOURCE_FOLDER } from '../versions/files.ts';
import type { ImportsAsked } from './imports-asked.ts';
import type { CompiledInput, CompileRequest } from './messages.ts';
import type { ReadGuard } from './read-guard.ts';

/** Texts between quotes; a line in which a quote stands alone is read both ways. */
const QUOTED = /(?=(['"`])([^'"`\\\n]{1,200})\1)/g;
/** Texts of a template: before its first part, and between or behind its parts. */
const BEFORE_PART = /(?=`([^'"`$\\\n]{1,200})\$\{)/g;
const BEHIND_PART = /(?=\}([^'"`$\\\n{}]{1,200})(`|\$\{))/g;

/**
 * Files that are read at run time beside a source. Files of the author are kept in the version's folder, at the same
 * place as seen from the source; a library finds its files where it is installed, and workers may read its folder.
 */
export interface AssetReads {
  /** The place that a source gets as its own: a URL as seen from the bundle. */
  urlOf(file: string): string;
  /** Finds the files that a source may read which asks for its own place; returns what is wrong with one of them. */
  add(file: string, text: string): Promise<PartialMessage | undefined>;
  /** Inputs of the version, by absolute path. */
  readonly inputs: ReadonlyMap<string, CompiledInput>;
  /** Files to be kept with the version, by absolute path. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Paths that a worker may read besides the bundle, as seen from the bundle's folder, or absolute. */
  reads(): string[];
  /** A text that differs for other files. */
  fingerprint(): string;
}

/** Files and bytes of a library that are looked at for changes, at most: above that, its package.json stands for all of it. */
const LIBRARY_MOST_FILES = 200;
const LIBRARY_MOST_BYTES = 8 * MB;

/** The asset reads of one compilation; none is found yet. */
export async function createAssetReads(
  ask: Pick<CompileRequest, 'folder' | 'staging'>,
  needs: { guard: ReadGuard; asked: ImportsAsked },
): Promise<AssetReads> {
  const { folder } = ask;
  const { guard, asked } = needs;
  const staging = await realpath(ask.staging);
  const inputs = new Map<string, CompiledInput>();
  const contents = new Map<string, Buffer>();
  const reads = new Set<string>();

  /** Paths start at the bundle's folder, so that an installation may be moved; not when its data lie elsewhere. */
  function seen(path: string): string {
    return staging.startsWith(`${folder}${sep}`) && path.startsWith(`${folder}${sep}`) ? relative(staging, path) : path;
  }

  async function read(file: string): Promise<Buffer> {
    const [bytes, { mtimeMs }] = await Promise.all([readFile(file), stat(file)]);
    const hash = sha256(bytes);
    inputs.set(file, { path: pathInside(folder, file), hash, size: bytes.byteLength, mtimeMs });
    return bytes;
  }

  async function addOfLibrary(file: string, text: string, root: string) {
    reads.add(seen(root));
    await read(join(root, 'package.json')).catch(() => {});
    const { files } = await filesBeside(file, text, (one) => one.startsWith(`${root}${sep}`));
    if (files.length > LIBRARY_MOST_FILES) return;
    const sizes = await Promise.all(files.map(async (one) => (await stat(one)).size));
    if (sizes.reduce((sum, size) => sum + size, 0) > LIBRARY_MOST_BYTES) return;
    for (const one of files) if (!inputs.has(one)) await read(one);
  }

  async function addOfAuthor(file: string, text: string): Promise<PartialMessage | undefined> {
    reads.add(SOURCE_FOLDER);
    const { files, folders, missing } = await filesBeside(file, text, guard.mayRead);
    for (const one of folders) await asked.addFolder(one);
    for (const one of missing) await asked.addMissing(one);
    let bytes = 0;
    for (const one of [...files, ...contents.keys()]) bytes += (await stat(one)).size;
    if (bytes > DATA_MOST_BYTES) return tooMuch(pathInside(folder, file), bytes);
    for (const one of files) if (!contents.has(one)) contents.set(one, await read(one));
    return undefined;
  }

  return {
    inputs,
    contents,
    urlOf(file) {
      const home = rootOf(file, asked.packageRoots) ? seen(file) : `${SOURCE_FOLDER}/${keptPathOf(folder, file)}`;
      return urlOf(home.split(sep).join('/'));
    },
    async add(file, text) {
      const root = rootOf(file, asked.packageRoots);
      return root ? void (await addOfLibrary(file, text, root)) : addOfAuthor(file, text);
    },
    reads: () => [...reads].sort(),
    fingerprint() {
      const files = [...inputs.values()].map(({ path, hash }) => `${path} ${hash}`);
      return files.sort().join('\n');
    },
  };
}

/** The folder of the package that a file belongs to; undefined for files of the author. */
function rootOf(file: string, packageRoots: ReadonlySet<string>): string | undefined {
  const modules = `${sep}node_modules${sep}`;
  const at = file.lastIndexOf(modules);
  if (at === -1) return [...packageRoots].find((root) => file.startsWith(`${root}${sep}`));
  const parts = file.slice(at + modules.length).split(sep);
  const root = file.slice(0, at + modules.length) + parts.slice(0, parts[0]!.startsWith('@') ? 2 : 1).join(sep);
  return root === file ? dirname(file) : root;
}

function tooMuch(name: string, bytes: number): PartialMessage {
  const most = formatSize(DATA_MOST_BYTES);
  return {
    text: `the files that ${name} names beside itself have ${formatSize(bytes)}; a version keeps ${most} at most`,
    detail: {
      code: 'PLUGIN_TOO_BIG',
      next: 'read large data where it lies: build its path from `folder`, and add it to needs.read',
    },
  };
}

/** Files that a source which asks where it lies can find beside itself. */
interface FilesBeside {
  /** Absolute, without links. */
  files: string[];
  /** Folders that are named; what comes to lie in them is meant too. Absolute. */
  folders: string[];
  /** Relative paths that the source names, and that are not there. */
  missing: string[];
}

const DEEPEST = 8;

/**
 * The files that a source names and those in folders that it names, as far as `mayRead` allows. Code is left out: what is
 * imported is in the bundle.
 */
async function filesBeside(file: string, text: string, mayRead: (file: string) => boolean): Promise<FilesBeside> {
  const files = new Set<string>();
  const folders: string[] = [];
  const missing: string[] = [];
  // A large library has a hundred thousand texts: only texts that begin with the name of a neighbour are followed.
  const names = new Set(await readdir(dirname(file)).catch(() => []));
  for (const path of pathsNamedIn(text)) {
    const isRelative = /^\.\.?\//.test(path);
    if (!isRelative && !names.has(path.split('/')[0]!)) continue;
    const named = resolve(dirname(file), path);
    // A folder that holds the file itself is not named, but spelled by chance.
    if (`${file}/`.startsWith(named.endsWith('/') ? named : `${named}/`)) continue;
    const real = await realpath(named).catch(() => undefined);
    const at = real === undefined ? undefined : await stat(real).catch(() => undefined);
    if (at?.isFile()) add(real!);
    else if (at?.isDirectory()) {
      const before = files.size;
      for (const one of await filesIn(real!, DEEPEST)) add(one);
      if (files.size > before || path.endsWith('/')) folders.push(named);
    } else if (isRelative) missing.push(named);
  }
  function add(one: string) {
    if (!isCode(one) && mayRead(one)) files.add(one);
  }
  return { files: [...files].sort(), folders, missing };
}

async function filesIn(folder: string, left: number): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const at = join(folder, entry.name);
    if (entry.isFile()) found.push(at);
    else if (entry.isDirectory() && left > 0) found.push(...(await filesIn(at, left - 1)));
  }
  return found;
}

/** A path as part of a URL; an absolute one becomes a file URL. */
function urlOf(path: string): string {
  return path.startsWith('/') ? pathToFileURL(path).href : path.split('/').map(encodeURIComponent).join('/');
}

/**
 * The relative paths that a file may mean by its texts: files or folders beside it, when they are there. Some are not
 * meant, for no reader can say which text is a path.
 */
function pathsNamedIn(text: string): string[] {
  const found = new Set<string>();
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);
  for (const [, , quoted] of text.matchAll(QUOTED)) if (!quoted!.includes('${')) found.add(quoted!);
  for (const [, before] of text.matchAll(BEFORE_PART)) found.add(folderOf(before!));
  for (const [, behind, end] of text.matchAll(BEHIND_PART)) found.add(end === '`' ? behind! : folderOf(behind!));
  const paths = [...found].map((path) => path.replace(/^\/+/, ''));
  return [...new Set(paths)].filter((path) => /[A-Za-z0-9]/.test(path) && !path.includes('://'));
}
