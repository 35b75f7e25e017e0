import { lstat, readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { type Lookup, NOTHING } from '../versions/lookups.ts';
import {
  createPathQuestions,
  getOrMake,
  isLibraryPath,
  NODE_MODULES,
  type PathQuestionsTerms,
} from './path-questions.ts';
import { type TsConfig, targetsOf } from './tsconfig-chain.ts';

/** An import as the compiler met it. */
interface AskedImport {
  specifier: string;
  /** The folder of the file that imports, without links. */
  from: string;
}

/** Finds the lookups on which imports hang. The order is that of esbuild's resolver; it asks rather more than less. */
export interface ImportsAsked {
  add(asked: AskedImport): Promise<void>;
  /** A package that others than an import look for. */
  addPackage(asked: AskedImport): Promise<void>;
  /** An import with a wildcard, such as `./parts/*.ts`: every file of the folder may be meant. */
  addWildcard(asked: AskedImport): Promise<void>;
  /** A folder of which every file counts. */
  addFolder(folder: string): Promise<void>;
  /** A file that is not there, and would count if it were. */
  addMissing(file: string): Promise<void>;
  /** The file itself: links on the way to it, and the package.json that says how it is read. */
  addFile(file: string): Promise<void>;
  /** The real folders of packages that were found in some node_modules: packages may be linked there from elsewhere. */
  readonly packageRoots: ReadonlySet<string>;
  /** All lookups that were asked. A lookup that may have changed meanwhile has no sure answer. */
  lookups(): Promise<Lookup[]>;
}

interface ImportsAskedTerms extends PathQuestionsTerms {
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

/** The imports of one compilation; none is asked yet. */
export function createImportsAsked(terms: ImportsAskedTerms): ImportsAsked {
  const { tsconfigsOf } = terms;
  const questions = createPathQuestions(terms);
  const { ask, follow } = questions;
  const scopes = new Map<string, Promise<string | undefined>>();
  const there = new Map<string, Promise<boolean>>();
  const begun = new Set<string>();
  const done = new Map<string, Promise<void>>();
  const packageRoots = new Set<string>();

  function isThere(modules: string): Promise<boolean> {
    return getOrMake(there, modules, async () => (await kindOf(await follow(modules))) === 'folder');
  }

  /**
   * Asks for everything that `path` may mean: the file itself, a file with an ending, a folder with a package.json or
   * an index.
   */
  async function addPath(path: string, depth = 0): Promise<void> {
    // A package.json may lead back to its own folder: a path that has begun is not waited for.
    if (begun.has(path)) return;
    begun.add(path);
    const parent = await follow(dirname(path));
    const at = join(parent, basename(path));
    const real = await kindOf(await follow(at));
    // A file of a library that is named in full is an input itself, and wins whatever else there is.
    if (!isLibraryPath(at)) await ask('is', at);
    if (real === 'file') return;
    if (isLibraryPath(at)) await ask('names', parent);
    else await addEndings(at);
    if (real !== 'folder' || depth > 3) return;
    const manifest = join(at, 'package.json');
    if ((await ask('package', manifest)) !== NOTHING) {
      for (const main of mainsOf(await readPackage(manifest))) await addPath(join(at, main), depth + 1);
    }
    if (isLibraryPath(at)) await ask('names', at);
    else await addEndings(join(at, 'index'));
  }

  async function addEndings(path: string): Promise<void> {
    const ending = extname(path);
    const rewritten = (REWRITTEN[ending] ?? []).map((other) => path.slice(0, -ending.length) + other);
    for (const file of [...ENDINGS.map((one) => path + one), ...rewritten]) {
      if ((await ask('is', file)).startsWith('link')) await follow(file);
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
        await (isLibraryPath(above) ? ask('names', above) : ask('is', modules));
        continue;
      }
      const at = join(modules, name);
      if ((await ask('is', at)) === NOTHING) continue;
      const root = await follow(at);
      packageRoots.add(root);
      const manifest = join(root, 'package.json');
      await ask('package', manifest);
      const says = await readPackage(manifest);
      for (const target of targetsIn(says.exports, inside ? `./${inside}` : '.')) await addPath(join(root, target));
      if (inside) await addPath(join(root, inside));
      else for (const main of [...mainsOf(says), 'index']) await addPath(join(root, main));
    }
  }

  async function addFolder(at: string): Promise<void> {
    await follow(at);
    await ask('tree', at);
  }

  /**
   * Finds the package.json that says how a folder's files are read, and asks for nearer ones that could come to do so.
   */
  function addScope(from: string): Promise<string | undefined> {
    return getOrMake(scopes, from, () => findScope(from));
  }

  async function findScope(from: string): Promise<string | undefined> {
    for (const above of foldersAbove(from)) {
      if (isLibraryPath(above) && basename(above) === NODE_MODULES) return undefined;
      if ((await ask('package', join(above, 'package.json'))) !== NOTHING) return above;
    }
    return undefined;
  }

  /** Asks for what a package says of itself, by `imports` or by its own name. */
  async function addOwn(specifier: string, from: string): Promise<void> {
    const root = await addScope(from);
    if (root === undefined) return;
    const says = await readPackage(join(root, 'package.json'));
    const subpath = specifier.startsWith('#') ? specifier : `.${specifier.slice(String(says.name).length)}`;
    if (subpath === specifier)
      for (const target of targetsIn(says.imports, specifier)) await addPath(join(root, target));
    else if (specifier === says.name || specifier.startsWith(`${String(says.name)}/`))
      for (const target of targetsIn(says.exports, subpath)) await addPath(join(root, target));
  }

  return {
    packageRoots,
    add: ({ specifier, from }) =>
      getOrMake(done, `${from} ${specifier}`, async () => {
        if (isPath(specifier)) return addPath(resolve(from, specifier));
        if (isBuiltin(specifier) || specifier.startsWith('data:')) return;
        for (const target of targetsOf(specifier, await tsconfigsOf(from))) await addPath(target);
        await addOwn(specifier, from);
        if (!specifier.startsWith('#')) await addPackage(specifier, from);
      }),
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
      const from = dirname(await follow(file));
      await addScope(from);
      await tsconfigsOf(from);
    },
    lookups: questions.lookups,
  };
}

/** Whether an import names a file by its path, and not a package. */
export function isPath(specifier: string): boolean {
  return /^(?:\.{0,2}\/|\.{1,2}$)/.test(specifier);
}

function foldersAbove(folder: string): string[] {
  const all = [folder];
  for (let at = folder; dirname(at) !== at; at = dirname(at)) all.push(dirname(at));
  return all;
}

async function kindOf(real: string): Promise<'file' | 'folder' | undefined> {
  const at = await lstat(real).catch(() => undefined);
  return at?.isDirectory() ? 'folder' : at?.isFile() ? 'file' : undefined;
}

async function readPackage(manifest: string): Promise<PackageSays> {
  try {
    return (JSON.parse(await readFile(manifest, 'utf8')) ?? {}) as PackageSays;
  } catch {
    return {};
  }
}

/** The keys of a package.json that matter here. */
interface PackageSays {
  name?: unknown;
  main?: unknown;
  module?: unknown;
  exports?: unknown;
  imports?: unknown;
}

/** The files that may be meant by the package as a whole, relative to it, where it has no exports. */
function mainsOf({ main, module }: PackageSays): string[] {
  return [main, module].filter((one) => typeof one === 'string');
}

/**
 * The files that `exports` or `imports` may make of a subpath (`.`, `./sub`, `#inner`), relative to the package: those of
 * every condition, for nobody needs to know here which one holds.
 */
function targetsIn(field: unknown, subpath: string): string[] {
  if (typeof field !== 'object' || field === null) return subpath === '.' ? leavesOf(field) : [];
  const keys = Object.keys(field);
  if (Array.isArray(field) || !keys.some((key) => /^[.#]/.test(key))) return subpath === '.' ? leavesOf(field) : [];
  return keys.flatMap((key) => {
    const rest = matched(key, subpath);
    const targets = rest === undefined ? [] : leavesOf((field as Record<string, unknown>)[key]);
    return targets.map((target) => target.replaceAll('*', () => rest!));
  });
}

/**
 * The text that the star of a pattern stands for; '' for a pattern without a star; undefined when it does not match.
 */
function matched(pattern: string, text: string): string | undefined {
  const [before, after] = pattern.split('*');
  if (after === undefined) return pattern === text ? '' : undefined;
  const fits = text.length >= pattern.length - 1 && text.startsWith(before!) && text.endsWith(after);
  return fits ? text.slice(before!.length, text.length - after.length) : undefined;
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return value.startsWith('./') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(leavesOf);
}
