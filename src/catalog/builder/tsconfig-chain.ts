import { readFile, realpath, stat } from 'node:fs/promises';

import { dirname, isAbsolute, join, resolve } from 'node:path';
import { given } from '../../kernel/given.ts';
import { MB } from '../../kernel/measures.ts';

/** The parts of a tsconfig.json that decide which file an import means. */
export interface TsConfig {
  file: string;
  /** Absolute. */
  baseUrl?: string;
  paths: Record<string, string[]>;
}

/** The files that were read or missed for it, absolute, and their settings, the nearest file first. */
export interface TsConfigChain {
  files: string[];
  /** The packages in whose folders a base was looked for. */
  bases: { specifier: string; from: string }[];
  configs: TsConfig[];
}

const MOST = 20;
const MOST_BYTES = MB;
const NAMES = ['tsconfig.json', 'jsconfig.json'];

/**
 * Reads the tsconfig.json that holds for a folder, and all that it extends. A broken file is left to the compiler to
 * tell.
 */
export async function readTsConfigs(folder: string): Promise<TsConfigChain> {
  const chain: TsConfigChain = { files: [], bases: [], configs: [] };
  for (let at = folder; ; at = dirname(at)) {
    for (const name of NAMES) {
      const file = join(at, name);
      chain.files.push(file);
      if (await addConfig(file, chain)) return chain;
    }
    if (dirname(at) === at) return chain;
  }
}

/** The text of a file; undefined for anything else: a pipe would hold its reader for ever, /dev/zero never ends. */
async function readConfigText(file: string): Promise<string | undefined> {
  const at = await stat(file).catch(() => undefined);
  if (!at?.isFile() || at.size > MOST_BYTES) return undefined;
  return readFile(file, 'utf8').catch(() => undefined);
}

async function addConfig(file: string, chain: TsConfigChain): Promise<boolean> {
  const text = await readConfigText(file);
  if (text === undefined) return false;
  const said = (parseLoosely(text) ?? {}) as {
    extends?: unknown;
    compilerOptions?: { baseUrl?: unknown; paths?: unknown };
  };
  const { baseUrl, paths } = said.compilerOptions ?? {};
  const base = typeof baseUrl === 'string' ? resolve(dirname(file), baseUrl) : undefined;
  chain.configs.push({
    file,
    ...given({ baseUrl: base }),
    paths: pathsOf(paths, base ?? dirname(file)),
  });
  const bases = Array.isArray(said.extends) ? said.extends : [said.extends];
  for (const one of bases) if (typeof one === 'string') await addBase(one, file, chain);
  return true;
}

async function addBase(named: string, file: string, chain: TsConfigChain): Promise<void> {
  const from = dirname(await realpath(file).catch(() => file));
  const roots = named.startsWith('.') || isAbsolute(named) ? [resolve(from, named)] : packageFilesOf(named, from);
  if (!(named.startsWith('.') || isAbsolute(named))) chain.bases.push({ specifier: named, from });
  for (const root of roots) {
    for (const candidate of [root, `${root}.json`, join(root, 'tsconfig.json'), ...(await ownNameOf(root))]) {
      if (chain.files.includes(candidate) || chain.files.length >= MOST * 5) continue;
      chain.files.push(candidate);
      if (await addConfig(candidate, chain)) return;
    }
  }
}

function packageFilesOf(named: string, from: string): string[] {
  const found: string[] = [];
  for (let at = from; ; at = dirname(at)) {
    found.push(join(at, 'node_modules', named));
    if (dirname(at) === at) return found;
  }
}

/** A package may name its tsconfig in its package.json. */
async function ownNameOf(root: string): Promise<string[]> {
  const text = await readFile(join(root, 'package.json'), 'utf8').catch(() => '{}');
  const said = parseLoosely(text) as { tsconfig?: unknown } | undefined;
  return typeof said?.tsconfig === 'string' ? [join(root, said.tsconfig)] : [];
}

function pathsOf(paths: unknown, base: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  if (typeof paths !== 'object' || paths === null) return found;
  for (const [pattern, targets] of Object.entries(paths)) {
    if (!Array.isArray(targets)) continue;
    found[pattern] = targets.filter((one) => typeof one === 'string').map((one) => resolve(base, one));
  }
  return found;
}

/** All files that `paths` and `baseUrl` could make of an import, absolute, without endings. */
export function targetsOf(specifier: string, configs: readonly TsConfig[]): string[] {
  const found: string[] = [];
  for (const { baseUrl, paths } of configs) {
    for (const [pattern, targets] of Object.entries(paths)) {
      const [before, after] = pattern.split('*');
      if (after === undefined) {
        if (pattern === specifier) found.push(...targets);
      } else if (specifier.startsWith(before!) && specifier.endsWith(after) && specifier.length >= pattern.length - 1) {
        const rest = specifier.slice(before!.length, specifier.length - after.length);
        found.push(...targets.map((target) => target.replace('*', () => rest)));
      }
    }
    if (baseUrl !== undefined) found.push(join(baseUrl, specifier));
  }
  return found;
}

/** JSON with comments and commas too many, as people write tsconfig.json; undefined for what is neither. */
export function parseLoosely(text: string): unknown {
  const plain = text.replace(
    /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, string: string | undefined) => string ?? '',
  );
  const strict = plain.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? '');
  try {
    return JSON.parse(strict.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}
