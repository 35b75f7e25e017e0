import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, extname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Loader, OnLoadResult, PartialMessage, Plugin } from 'esbuild';
import { pathInside } from '../../kernel/paths.ts';
import { sha256 } from '../../kernel/sha256.ts';
import { isCode, mostBytesOf, tooBig } from '../files/source-limit.ts';
import type { AssetReads } from './asset-reads.ts';
import { lentRoots } from './daruma-imports.ts';
import type { ImportsAsked } from './imports-asked.ts';
import { withLocation } from './location.ts';
import type { CompiledInput, CompileRequest } from './messages.ts';
import type { ReadGuard } from './read-guard.ts';

/** The files that one compilation has read, and the plugin of esbuild that reads them. */
export interface SourceReads {
  plugin: Plugin;
  /** Inputs by absolute path. Files of Daruma itself are not among them: `runtime` stands for them. */
  inputs: Map<string, CompiledInput>;
  /** Each file of the author as it was read, by absolute path. */
  contents: Map<string, Buffer>;
  /** The number of characters that were put before a file's first line, by absolute path. */
  added: Map<string, number>;
  /** Names that can be imported from 'daruma'. */
  darumaExports: string[];
  /** Whether the file belongs to Daruma itself. */
  isOfDaruma(file: string): boolean;
  /** A file that esbuild reads by itself. */
  inputOf(file: string): Promise<CompiledInput>;
}

interface SourceReadsNeeds {
  guard: ReadGuard;
  asked: ImportsAsked;
  assets: AssetReads;
  /** Whether imports of paths are asked for, too: the compiler reports those only when it succeeds. */
  asksAll: boolean;
}

const CODE_LOADERS: Record<string, Loader> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
};
/** The loader that `with { type: … }` means. */
const ATTRIBUTE_LOADERS: Record<string, Loader | undefined> = {
  __proto__: null as never,
  json: 'json',
  text: 'text',
  bytes: 'binary',
};

/**
 * Reads every file in place of esbuild, so that the hash is of exactly the bytes that were compiled: a file that is
 * saved during the build shows up as changed afterwards.
 */
export function readsSources(ask: CompileRequest, needs: SourceReadsNeeds): SourceReads {
  const { guard, asked, assets, asksAll } = needs;
  const inputs = new Map<string, CompiledInput>();
  const contents = new Map<string, Buffer>();
  const added = new Map<string, number>();
  const zod = lentRoots(ask.daruma).get('zod');
  const isOfDaruma = (file: string) =>
    (zod !== undefined && file.startsWith(`${zod}${sep}`)) || file.startsWith(`${dirname(ask.daruma)}${sep}`);

  async function load(path: string, type: string | undefined): Promise<OnLoadResult> {
    const name = pathInside(ask.folder, path);
    if (!guard.mayRead(await realpath(path))) return { errors: [outside(name)] };
    const library = isOfLibrary(path);
    const at = await stat(path);
    // A FIFO would hold its reader for ever.
    if (!at.isFile()) return { errors: [{ text: `${name} is no file` }] };
    if (!library && at.size > mostBytesOf(path))
      return { errors: [{ text: tooBig(name, at.size), detail: { code: 'PLUGIN_TOO_BIG' } }] };
    const bytes = await readFile(path);
    inputs.set(path, { path: name, hash: hashOf(bytes), size: bytes.byteLength, mtimeMs: at.mtimeMs });
    if (!library) contents.set(path, bytes);
    await asked.addFile(path);
    const loader = type === undefined ? CODE_LOADERS[extname(path)] : undefined;
    if (!loader) return { contents: bytes, loader: ATTRIBUTE_LOADERS[type ?? ''] ?? 'default' };
    const text = await withoutForeignMaps(path, bytes.toString(), guard);
    const located = withLocation(text, assets.urlOf(path));
    if (!located) return { contents: text, loader };
    added.set(path, located.added);
    const problem = await assets.add(path, text);
    return problem ? { errors: [problem] } : { contents: located.text, loader };
  }

  const plugin: Plugin = {
    name: 'source-reads',
    setup(build) {
      build.onResolve({ filter: asksAll ? /./ : /^[^./]/ }, async ({ path, kind, importer, resolveDir, namespace }) => {
        if (kind === 'entry-point' || namespace !== 'file' || isOfDaruma(importer)) return undefined;
        await asked.add({ specifier: path, from: resolveDir });
        return undefined;
      });
      build.onLoad({ filter: /\.node$/ }, ({ path }) => ({ errors: [nativeAddOn(pathInside(ask.folder, path))] }));
      build.onLoad({ filter: /./, namespace: 'file' }, ({ path, with: attributes }) =>
        isOfDaruma(path) ? undefined : (refusedAttributes(attributes) ?? load(path, attributes.type)),
      );
    },
  };

  return {
    plugin,
    inputs,
    contents,
    added,
    darumaExports: ['definePlugin', 'z', 'GiveUp', 'RetryLater', 'EffectUnknown'],
    isOfDaruma,
    async inputOf(file) {
      const path = pathInside(ask.folder, file);
      try {
        const [bytes, { mtimeMs }] = await Promise.all([readFile(file), stat(file)]);
        return { path, hash: hashOf(bytes), size: bytes.byteLength, mtimeMs };
      } catch {
        return { path, hash: null, size: 0, mtimeMs: 0 };
      }
    },
  };
}

/** The types that an import may ask for besides code. */
function refusedAttributes(attributes: Record<string, string>): OnLoadResult | undefined {
  const asked = Object.entries(attributes).find(([key, value]) => key !== 'type' || !ATTRIBUTE_LOADERS[value]);
  if (!asked) return undefined;
  const text = `\`with { ${asked[0]}: '${asked[1]}' }\` is nothing that a plugin may import`;
  const next = "write `with { type: 'json' }`, 'text' or 'bytes'";
  return { errors: [{ text, detail: { code: 'PLUGIN_IMPORT_KIND', next } }] };
}

/** `.env`, `.env.local` and their like, in any folder: a bundle would keep their values in `data/versions`. */
const HOLDS_SECRETS = /(?:^|[\\/])\.env(?:\.[^\\/]*)?$/;
const MAP_COMMENT = /(\/[/*][#@]\s*)sourceMappingURL(=([^\s'"`*]+))/g;

/**
 * The text without mentions of source maps that a bundle may not hold: the compiler reads those by itself, and would wait for
 * ever at a pipe, or for the end of /dev/zero.
 */
async function withoutForeignMaps(path: string, text: string, guard: ReadGuard): Promise<string> {
  if (!text.includes('sourceMappingURL')) return text;
  const foreign = new Set<string>();
  for (const [, , , url] of text.matchAll(MAP_COMMENT)) {
    if (/^[a-z-]+:/i.test(url!) && !url!.startsWith('file:')) continue;
    const file = resolve(dirname(path), url!.startsWith('file:') ? fileURLToPath(url!) : decodedPath(url!));
    const real = await realpath(file).catch(() => undefined);
    const at = real === undefined ? undefined : await stat(real).catch(() => undefined);
    if (at && (!at.isFile() || !guard.mayRead(real!))) foreign.add(url!);
  }
  return text.replace(MAP_COMMENT, (whole, before: string, rest: string, url: string) =>
    foreign.has(url) ? `${before}sourceMappingOff${rest}` : whole,
  );
}

function decodedPath(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

/** Whether a file came by an install, and not from the author. */
export function isOfLibrary(path: string): boolean {
  return path.includes(`${sep}node_modules${sep}`);
}

function hashOf(bytes: Buffer): string {
  return sha256(bytes);
}

function nativeAddOn(name: string): PartialMessage {
  return {
    text: `${name} is a native add-on; a plugin may only import JavaScript`,
    detail: { code: 'PLUGIN_NATIVE_ADDON', next: 'use a package that is plain JavaScript or WebAssembly' },
  };
}

function outside(name: string): PartialMessage {
  const data = isCode(name) ? '' : ', or read it in `run`, with its path in needs.read';
  const next = HOLDS_SECRETS.test(name)
    ? 'write the names of its values in needs.secrets: `run` has them in context.secrets'
    : `move it below plugins/, or link it there${data}`;
  return {
    text: `${name} is not among the files that a plugin may be made of: those below plugins/, code of the installation, packages`,
    detail: { code: 'PLUGIN_IMPORT_OUTSIDE', next },
  };
}
