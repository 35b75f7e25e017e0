import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathsNamedIn } from './location.ts';

/** What a source that asks where it lies can find beside itself. */
interface FilesBeside {
  /** Absolute, without links. */
  files: string[];
  /** Folders that are named; what comes to lie in them is meant too. Absolute. */
  folders: string[];
  /** Named as a relative path, and not there. */
  missing: string[];
}

const CODE = /\.(?:[cm]?[jt]s|[jt]sx)$/;
const DEEPEST = 8;

/**
 * The files that a source names and those in folders that it names, as far as `mayRead` allows. Code is left out: what is
 * imported is in the bundle.
 */
export async function filesBeside(
  file: string,
  text: string,
  mayRead: (file: string) => boolean,
): Promise<FilesBeside> {
  const files = new Set<string>();
  const folders: string[] = [];
  const missing: string[] = [];
  // A large library has a hundred thousand texts: only those are followed that begin with what is there.
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
    if (!CODE.test(one) && mayRead(one)) files.add(one);
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
