import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlainFault } from '../../kernel/fault.ts';
import { pathInside } from '../../kernel/paths.ts';
import { kindOfAgentFile, kindOfPluginPath, PLUGIN_ENDINGS } from '../files/names.ts';

export const PLUGINS = 'plugins';
export const AGENTS = 'agents';
type Root = typeof PLUGINS | typeof AGENTS;
/** How deep parts of plugins may lie in folders below `plugins/`. */
export const DEEPEST = 8;
/** So many entries of `plugins/` or `agents/` themselves are looked at, and so many below each folder in them. */
const MOST_ENTRIES = { top: 10_000, below: 2_000 };
const SOURCE = /\.(?:[cm]?[jt]s|[jt]sx|json)$/i;

/** What lies in the two folders, by name alone. */
export interface FolderList {
  /** Files that say something, relative to the installation. */
  files: string[];
  /** Of the two folders those that are not there. */
  missing: Root[];
  /** Links to folders, each with what it leads to: that is not looked through. */
  links: Map<string, string>;
  /** Folders that hold too much to be looked through. */
  tooBig: string[];
  /** What cannot be looked at: links that lead nowhere, folders that cannot be read, folders that are too big. */
  problems: PlainFault[];
}

/** What else lies in the folders (data that a plugin writes beside itself, say) is nobody's news. `path`: below the root. */
export function isWanted(root: Root, path: string): boolean {
  if (root === AGENTS) return kindOfAgentFile(path).is !== 'ignored';
  return SOURCE.test(path) || kindOfPluginPath(path).is === 'stray';
}

/** Looks through `plugins/` and `agents/`: no link to a folder is followed, and no folder costs more than its bound. */
export async function listFolders(folder: string): Promise<FolderList> {
  const list: FolderList = { files: [], missing: [], links: new Map(), tooBig: [], problems: [] };
  for (const root of [PLUGINS, AGENTS] as const) {
    const entries = await readdir(join(folder, root), { withFileTypes: true }).catch(() => undefined);
    if (!entries) list.missing.push(root);
    else await listRoot(folder, root, entries, list);
  }
  return list;
}

async function listRoot(folder: string, root: Root, entries: Dirent[], list: FolderList): Promise<void> {
  const shown = entries.filter(isShown).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (shown.length > MOST_ENTRIES.top) list.problems.push(tooBig(root, MOST_ENTRIES.top));
  for (const entry of shown.slice(0, MOST_ENTRIES.top)) {
    const path = `${root}/${entry.name}`;
    if (entry.isDirectory()) await listBelow(folder, root, path, list);
    else await listEntry(folder, root, path, entry, list);
  }
}

/** One folder of `plugins/` or `agents/` with all that is below it, the nearest first. */
async function listBelow(folder: string, root: Root, top: string, list: FolderList): Promise<void> {
  const waiting = [top];
  let count = 0;
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const entries = await readdir(join(folder, path), { withFileTypes: true }).catch((error) => error as Error);
    if (entries instanceof Error) {
      // It may have been removed meanwhile.
      if ((entries as NodeJS.ErrnoException).code !== 'ENOENT') list.problems.push(unreadable(path, entries));
      continue;
    }
    const shown = entries.filter(isShown).sort((a, b) => (a.name < b.name ? -1 : 1));
    count += shown.length;
    if (count > MOST_ENTRIES.below) {
      list.tooBig.push(path);
      list.problems.push(tooBig(path, MOST_ENTRIES.below));
      list.tooBig.push(...waiting);
      return;
    }
    for (const entry of shown) {
      const inside = `${path}/${entry.name}`;
      if (!entry.isDirectory()) await listEntry(folder, root, inside, entry, list);
      else if (inside.split('/').length - 2 < DEEPEST) waiting.push(inside);
    }
  }
}

async function listEntry(folder: string, root: Root, path: string, entry: Dirent, list: FolderList): Promise<void> {
  const wanted = isWanted(root, path.slice(root.length + 1));
  if (entry.isFile()) {
    if (wanted) list.files.push(path);
    return;
  }
  if (!entry.isSymbolicLink()) {
    if (wanted) list.problems.push(noFile(path, 'is no regular file'));
    return;
  }
  const found = await stat(join(folder, path)).catch(() => undefined);
  if (found?.isDirectory()) await listLink(folder, root, path, list);
  else if (wanted && found?.isFile()) list.files.push(path);
  else if (wanted)
    list.problems.push(noFile(path, found ? 'is a link to no regular file' : 'is a link that leads nowhere'));
}

/** A folder that is reached by a link may be huge: only the file that would make a plugin of it is looked for. */
async function listLink(folder: string, root: Root, path: string, list: FolderList): Promise<void> {
  const real = await realpath(join(folder, path)).catch(() => undefined);
  if (real === undefined) return;
  list.links.set(path, pathInside(folder, real));
  if (root !== PLUGINS || path.split('/').length > 2) return;
  for (const ending of PLUGIN_ENDINGS) {
    const index = `${path}/index${ending}`;
    const found = await stat(join(folder, index)).catch(() => undefined);
    if (found?.isFile()) list.files.push(index);
  }
}

function isShown({ name }: Dirent): boolean {
  return name !== 'node_modules' && !name.startsWith('.');
}

function noFile(file: string, message: string): PlainFault {
  return { code: 'FILE_UNREADABLE', message, file, next: 'let it lead to a file, or remove it' };
}

function unreadable(file: string, error: Error): PlainFault {
  const next = 'make it readable for the user that runs daruma';
  return { code: 'FOLDER_UNREADABLE', message: `the folder cannot be read: ${error.message}`, file, next };
}

function tooBig(file: string, most: number): PlainFault {
  const message = `the folder holds more than ${most} files and folders; the rest of it is not looked at`;
  return { code: 'FOLDER_TOO_BIG', message, file, next: 'move what is no code out of it: data belongs into data/' };
}
