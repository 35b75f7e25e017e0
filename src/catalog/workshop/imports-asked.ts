import { lstat, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { pathInside } from '../versions/files.ts';
import { keyOf, type Lookup, lookUp, NOTHING, UNSURE } from '../versions/lookups.ts';
import { type TsConfig, targetsOf } from './tsconfig-chain.ts';

/** An import as the compiler met it. */
export interface AskedImport {
  specifier: string;
  /** The folder of the file that imports, without links. */
  from: string;
}

/** Finds out on what the answers to imports hang. It follows the order of esbuild's resolver, and asks rather more than less. */
export interface ImportsAsked {
  add(asked: AskedImport): Promise<void>;
  /** What is looked for in packages, by others than an import. */
  addPackage(asked: AskedImport): Promise<void>;
  /** An import with a wildcard, such as `./parts/*.ts`: every file of the folder may be meant. */
  addWildcard(asked: AskedImport): Promise<void>;
  /** A folder of which every file counts. */
  addFolder(folder: string): Promise<void>;
  /** What is not there, and would count if it were. */
  addMissing(file: string): Promise<void>;
  /** The file itself: links on the way to it, and the package.json that says how it is read. */
  addFile(file: string): Promise<void>;
  /** Where packages are that were found in some node_modules: they may be linked there from elsewhere. */
  readonly packageRoots: ReadonlySet<string>;
  lookups(): Lookup[];
}

export interface ImportsAskedTerms {
  /** The installation, absolute. */
  folder: string;
  /** Epoch ms at which the compiler began: what changed since then may have been seen in either state. */
  startedAt: number;
  /** The settings of the compiler that hold in a folder, nearest first. */
  tsconfigsOf(folder: string): Promise<readonly TsConfig[]>;
}

const ENDINGS = ['.tsx', '.ts', '.jsx', '.js', '.css', '.json'];
/** TypeScript's own custom: `./x.js` means x.ts where there is no x.js. */
const REWRITTEN: Record<string, string[]> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.ts', '.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
};
const NODE_MODULES = 'node_modules';
const MOST_LINKS = 40;
/** The clock of a file system lags behind that of the process. */
const CLOCK_LAG_MS = 20;

export function createImportsAsked(terms: ImportsAskedTerms): ImportsAsked {
  const { folder, startedAt, tsconfigsOf } = terms;
  const found = new Map<string, Promise<string>>();
  const there = new Map<string, Promise<boolean>>();
  const done = new Map<string, Promise<void>>();
  const lookups: Lookup[] = [];
  const packageRoots = new Set<string>();

  /** Each question once. */
  function ask(what: Lookup['ask'], file: string): Promise<string> {
    const path = pathInside(folder, file);
    const key = keyOf({ ask: what, path });
    let asked = found.get(key);
    if (!asked) {
      asked = lookUp(what, path, folder).then(async (answer) => {
        const young = await changedSince(what === 'is' ? dirname(file) : file, startedAt - CLOCK_LAG_MS);
        lookups.push({ ask: what, path, answer: young ? UNSURE : answer });
        return answer;
      });
      found.set(key, asked);
    }
    return asked;
  }

  function isThere(modules: string): Promise<boolean> {
    let known = there.get(modules);
    if (!known) {
      known = kindBehind(modules).then((kind) => kind !== undefined);
      there.set(modules, known);
    }
    return known;
  }

  function once(key: string, what: () => Promise<void>): Promise<void> {
    let doing = done.get(key);
    if (!doing) {
      doing = what();
      done.set(key, doing);
    }
    return doing;
  }

  /** Notes every link on the way, and inside of the installation every folder, for it may become one. */
  async function walk(path: string, links = 0): Promise<void> {
    await once(`walk ${path}`, async () => {
      const steps = path.split(sep);
      for (let count = 2; count <= steps.length; count++) {
        const at = steps.slice(0, count).join(sep);
        const inside = at.startsWith(`${folder}${sep}`) && at.indexOf(sep, folder.length + 1) !== -1;
        const target = await readlink(at).catch(() => undefined);
        if (target !== undefined || (inside && !isFar(at))) await ask('is', at);
        if (target === undefined || links > MOST_LINKS) continue;
        await walk(join(resolve(dirname(at), target), ...steps.slice(count)), links + 1);
        return;
      }
    });
  }

  /** All that `path` may mean: the file itself, one with an ending, a folder with a package.json or an index. */
  async function addPath(path: string, depth = 0): Promise<void> {
    await once(`path ${path}`, async () => {
      await walk(dirname(path));
      const parent = await realpath(dirname(path)).catch(() => dirname(path));
      const at = join(parent, basename(path));
      await walk(at);
      const real = await kindBehind(at);
      // A file of a library that is named in full is an input itself, and wins whatever else there is.
      if (!isFar(at)) await ask('is', at);
      if (real === 'file') return;
      if (isFar(at)) await ask('names', parent);
      else await addEndings(at);
      if (real !== 'folder' || depth > 3) return;
      const manifest = join(at, 'package.json');
      if ((await ask('package', manifest)) !== NOTHING) {
        for (const main of await mainsOf(manifest)) await addPath(join(at, main), depth + 1);
      }
      if (isFar(at)) await ask('names', at);
      else await addEndings(join(at, 'index'));
    });
  }

  async function addEndings(path: string): Promise<void> {
    const ending = extname(path);
    const rewritten = (REWRITTEN[ending] ?? []).map((other) => path.slice(0, -ending.length) + other);
    for (const file of [...ENDINGS.map((one) => path + one), ...rewritten]) {
      if ((await ask('is', file)).startsWith('link')) await walk(file);
    }
  }

  async function addPackage(specifier: string, from: string): Promise<void> {
    const parts = specifier.split('/');
    const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
    const inside = parts.slice(specifier.startsWith('@') ? 2 : 1).join('/');
    for (const above of foldersAbove(from)) {
      if (basename(above) === NODE_MODULES) continue;
      const modules = join(above, NODE_MODULES);
      if (!(await isThere(modules))) {
        await (isFar(above) ? ask('names', above) : ask('is', modules));
        continue;
      }
      const at = join(modules, name);
      if ((await ask('is', at)) === NOTHING) continue;
      await walk(at);
      const root = await realpath(at).catch(() => at);
      packageRoots.add(root);
      const manifest = join(root, 'package.json');
      await ask('package', manifest);
      if (inside) await addPath(join(root, inside));
      else for (const main of [...(await mainsOf(manifest)), 'index']) await addPath(join(root, main));
    }
  }

  async function addFolder(at: string): Promise<void> {
    await walk(at);
    await ask('tree', at);
  }

  /** The package.json that says how a folder's files are read, and those nearer that could come to do so. */
  async function addScope(from: string): Promise<void> {
    await once(`scope ${from}`, async () => {
      for (const above of foldersAbove(from)) {
        if (isFar(above) && basename(above) === NODE_MODULES) return;
        if ((await ask('package', join(above, 'package.json'))) !== NOTHING) return;
      }
    });
  }

  return {
    packageRoots,
    async add({ specifier, from }) {
      await once(`import ${from} ${specifier}`, async () => {
        if (/^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..')
          return addPath(resolve(from, specifier));
        if (isBuiltin(specifier) || specifier.startsWith('data:')) return;
        for (const target of targetsOf(specifier, await tsconfigsOf(from))) await addPath(target);
        // What begins with # is told by the package.json around it, which is asked for each file.
        if (!specifier.startsWith('#')) await addPackage(specifier, from);
      });
    },
    addPackage: ({ specifier, from }) => addPackage(specifier, from),
    async addWildcard({ specifier, from }) {
      const fixed = specifier.slice(0, specifier.indexOf('*'));
      await addFolder(resolve(from, fixed.slice(0, fixed.lastIndexOf('/') + 1)));
    },
    addFolder,
    async addMissing(file) {
      await ask('is', file);
    },
    async addFile(file) {
      await walk(file);
      const from = dirname(await realpath(file).catch(() => file));
      await addScope(from);
      await tsconfigsOf(from);
    },
    lookups: () => [...lookups].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
  };
}

/** Whether it is a library's: those change by an install, not by a save. */
export function isFar(path: string): boolean {
  return path.includes(`${NODE_MODULES}${sep}`) || path.endsWith(`${sep}${NODE_MODULES}`);
}

function foldersAbove(folder: string): string[] {
  const all = [folder];
  for (let at = folder; dirname(at) !== at; at = dirname(at)) all.push(dirname(at));
  return all;
}

/** What is there when links are followed. */
async function kindBehind(path: string): Promise<'file' | 'folder' | undefined> {
  const real = await realpath(path).catch(() => undefined);
  const at = real === undefined ? undefined : await lstat(real).catch(() => undefined);
  return at?.isDirectory() ? 'folder' : at?.isFile() ? 'file' : undefined;
}

async function mainsOf(manifest: string): Promise<string[]> {
  try {
    const said = JSON.parse(await readFile(manifest, 'utf8')) as Record<string, unknown>;
    return [said.main, said.module].filter((one) => typeof one === 'string');
  } catch {
    return [];
  }
}

async function changedSince(path: string, ms: number): Promise<boolean> {
  const at = await stat(path).catch(() => undefined);
  return at !== undefined && Math.max(at.mtimeMs, at.ctimeMs) >= ms;
}
