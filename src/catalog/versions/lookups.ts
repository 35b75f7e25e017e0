import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { sha256 } from '../../kernel/sha256.ts';

/**
 * A question about the file system on which the meaning of an import hangs, with its answer. `is`: what is at the path,
 * links included. `package`: the keys of a package.json that decide about imports. `names`: the names in a folder.
 * `tree`: the files in it and below, for imports with a wildcard.
 */
export interface Lookup {
  ask: 'is' | 'package' | 'names' | 'tree';
  /** Relative to the installation where it is inside it, else absolute; forward slashes. */
  path: string;
  answer: string;
}

export const NOTHING = 'nothing';
/** The answer may have changed while the import was resolved: it is asked anew, and equals no other answer. */
export const UNSURE = 'unsure';
const TREE_DEEPEST = 16;
/** The keys of a package.json that decide which file an import means, and how that file is read. */
const DECIDING = [
  'name',
  'version',
  'type',
  'main',
  'module',
  'exports',
  'imports',
  'sideEffects',
  'browser',
  'tsconfig',
];

/** A text for each question. */
export function keyOf({ ask, path }: Pick<Lookup, 'ask' | 'path'>): string {
  return `${ask} ${path}`;
}

/** Asks the file system; a path that cannot be read counts as not there. `path` as in {@link Lookup}. */
export async function lookUp(ask: Lookup['ask'], path: string, folder: string): Promise<string> {
  const file = isAbsolute(path) ? path : join(folder, path);
  try {
    if (ask === 'is') return await kindOf(file);
    if (ask === 'package') return hashOf(decidingPartOf(await readFile(file, 'utf8')));
    if (ask === 'names') return hashOf((await readdir(file, { withFileTypes: true })).map(wordFor).sort().join('\n'));
    return hashOf((await namesBelow(file, TREE_DEEPEST)).sort().join('\n'));
  } catch {
    return NOTHING;
  }
}

async function kindOf(file: string): Promise<string> {
  const at = await lstat(file);
  return at.isSymbolicLink() ? `link to ${await readlink(file)}` : wordOf(at);
}

function wordOf(at: Stats | Dirent): string {
  if (at.isSymbolicLink()) return 'link';
  return at.isFile() ? 'file' : at.isDirectory() ? 'folder' : 'other';
}

const wordFor = (entry: Dirent) => `${wordOf(entry)} ${entry.name}`;

function decidingPartOf(text: string): string {
  try {
    const said = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify(DECIDING.map((name) => said[name] ?? null));
  } catch {
    return text;
  }
}

async function namesBelow(folder: string, left: number): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    found.push(wordFor(entry));
    if (!entry.isDirectory() || left === 0) continue;
    for (const name of await namesBelow(join(folder, entry.name), left - 1)) found.push(`${entry.name}/${name}`);
  }
  return found;
}

function hashOf(text: string): string {
  return sha256(text).slice(0, 16);
}
