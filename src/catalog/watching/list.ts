import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlainFault } from '../../kernel/fault.ts';
import { isAtOrBelow, pathInside } from '../../kernel/paths.ts';
import { kindOfAgentFile, kindOfPluginPath, PLUGIN_ENDINGS } from '../files/names.ts';

export const PLUGINS = 'plugins';
export const AGENTS = 'agents';
type Root = typeof PLUGINS | typeof AGENTS;
/** The depth of folders below `plugins/` in which parts of plugins may lie. */
export const DEEPEST = 8;
/** Entries that are looked at, at most: of `plugins/` or `agents/` themselves, and below each folder in them. */
const MOST_ENTRIES = { top: 10_000, below: 2_000 };
const SOURCE = /\.(?:[cm]?[jt]s|[jt]sx|json)$/i;

/** The files of the two folders, by name alone. */
export interface FolderList {
  /** Files that may be plugins, parts or agent files, relative to the installation. */
  files: string[];
  /** The folders of the two that are not there. */
  missing: Root[];
  /**
   * Links to folders, each with its target, which is not looked through. `isOutside`: the link is not followed either.
   */
  links: Map<string, { real: string; isOutside: boolean }>;
  /** Folders that hold too much to be looked through. */
  tooBig: string[];
  /**
   * Problems of files that cannot be looked at: links that lead nowhere, folders that cannot be read, folders that are
   * too big.
   */
  problems: PlainFault[];
}

/**
 * Whether a file counts; other files in the folders (data that a plugin writes beside itself, say) do not. `path`:
 * below the root.
 */
export function isWanted(root: Root, path: string): boolean {
  if (root === AGENTS) return kindOfAgentFile(path).is !== 'ignored';
  return SOURCE.test(path) || kindOfPluginPath(path).is === 'unrecognized';
}

/**
 * Looks through `plugins/` and `agents/`: no link to a folder is looked through, and no folder costs more than its bound. A link in
 * `plugins/` leads to a folder of the installation, or of `linkFolders` (absolute, without links); others are not followed.
 */
export async function listFolders(folder: string, linkFolders: readonly string[]): Promise<FolderList> {
  const list: FolderList = { files: [], missing: [], links: new Map(), tooBig: [], problems: [] };
  for (const root of [PLUGINS, AGENTS] as const) {
    const entries = await readdir(join(folder, root), { withFileTypes: true }).catch(() => undefined);
    if (!entries) list.missing.push(root);
    else await listRoot({ folder, linkFolders, root }, entries, list);
  }
  return list;
}

/** The terms of one walk. */
interface ListTerms {
  folder: string;
  linkFolders: readonly string[];
  root: Root;
}

async function listRoot(terms: ListTerms, entries: Dirent[], list: FolderList): Promise<void> {
  const { root } = terms;
  const shown = entries.filter(isShown).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (shown.length > MOST_ENTRIES.top) list.problems.push(tooBig(root, MOST_ENTRIES.top));
  for (const entry of shown.slice(0, MOST_ENTRIES.top)) {
    const path = `${root}/${entry.name}`;
    if (entry.isDirectory()) await listBelow(terms, path, list);
    else await listEntry(terms, path, entry, list);
  }
}

/** Lists a folder of `plugins/` or `agents/` with all that is below it, the nearest first. */
async function listBelow(terms: ListTerms, top: string, list: FolderList): Promise<void> {
  const waiting = [top];
  let count = 0;
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const entries = await readdir(join(terms.folder, path), { withFileTypes: true }).catch((error) => error as Error);
    if (entries instanceof Error) {
      // The folder may have been removed meanwhile.
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
      if (!entry.isDirectory()) await listEntry(terms, inside, entry, list);
      else if (inside.split('/').length - 2 < DEEPEST) waiting.push(inside);
    }
  }
}

async function listEntry(terms: ListTerms, path: string, entry: Dirent, list: FolderList): Promise<void> {
  const { folder, root } = terms;
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
  if (found?.isDirectory()) await listLink(terms, path, list);
  else if (wanted && found?.isFile()) list.files.push(path);
  else if (wanted)
    list.problems.push(noFile(path, found ? 'is a link to no regular file' : 'is a link that leads nowhere'));
}

/** A folder that is reached by a link may be huge: only the file that would make a plugin of it is looked for. */
async function listLink({ folder, linkFolders, root }: ListTerms, path: string, list: FolderList): Promise<void> {
  const real = await realpath(join(folder, path)).catch(() => undefined);
  if (real === undefined) return;
  const isOutside = ![folder, ...linkFolders].some((one) => isAtOrBelow(real, one));
  list.links.set(path, { real: pathInside(folder, real), isOutside });
  if (root !== PLUGINS || path.split('/').length > 2) return;
  for (const ending of PLUGIN_ENDINGS) {
    const index = `${path}/index${ending}`;
    const found = await stat(join(folder, index)).catch(() => undefined);
    if (found?.isFile() && isOutside) list.problems.push(linkOutside(path, real));
    else if (found?.isFile()) list.files.push(index);
  }
}

function isShown({ name }: Dirent): boolean {
  return name !== 'node_modules' && !name.startsWith('.');
}

/** The fault of a link to a folder outside of the installation that no setting names. */
export function linkOutside(file: string, real: string): PlainFault {
  return {
    code: 'LINK_OUTSIDE',
    message: `is a link to ${real}, a folder outside of the installation, and is not followed`,
    file,
    next: 'move the folder into the installation, or name it in links.folders of config/daruma.yaml',
  };
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
