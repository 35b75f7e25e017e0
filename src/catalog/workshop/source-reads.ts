import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type { Loader, Plugin } from 'esbuild';
import { SOURCE_MOST_BYTES, tooBig } from '../files/source-limit.ts';
import { pathInside } from '../versions/files.ts';
import type { CompileAsk, Input } from './messages.ts';

export interface SourceReads {
  plugin: Plugin;
  /** By absolute path. Files of Daruma itself are not among them: `runtime` stands for them. */
  inputs: Map<string, Input>;
  /** The text of each file of the author, by absolute path. */
  texts: Map<string, string>;
  /** What can be imported from 'daruma'. */
  darumaExports: string[];
  /** A file that esbuild reads by itself. */
  inputOf(file: string): Promise<Input>;
}

const LOADERS: Record<string, Loader> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.json': 'json',
};

/**
 * Reads every source in place of esbuild, so that what is hashed is byte for byte what was compiled: a file that is
 * saved during the build shows up as changed afterwards.
 */
export function readsSources(ask: CompileAsk): SourceReads {
  const inputs = new Map<string, Input>();
  const texts = new Map<string, string>();
  const darumaRoot = `${dirname(dirname(ask.daruma))}/`;
  const ofDaruma = (file: string) =>
    file.startsWith(`${darumaRoot}node_modules/zod/`) || file.startsWith(`${dirname(ask.daruma)}/`);

  const plugin: Plugin = {
    name: 'source-reads',
    setup(build) {
      build.onLoad({ filter: /\.node$/ }, ({ path }) => ({
        errors: [
          {
            text: `${pathInside(ask.folder, path)} is a native add-on; a plugin may only import JavaScript`,
            detail: { code: 'PLUGIN_NATIVE_ADDON', next: 'use a package that is plain JavaScript or WebAssembly' },
          },
        ],
      }));
      build.onLoad({ filter: /\.(?:[cm]?[jt]s|[jt]sx|json)$/, namespace: 'file' }, async ({ path }) => {
        if (ofDaruma(path)) return undefined;
        const library = path.includes('/node_modules/');
        const { size, mtimeMs } = await stat(path);
        if (!library && size > SOURCE_MOST_BYTES) {
          return { errors: [{ text: tooBig(pathInside(ask.folder, path), size), detail: { code: 'PLUGIN_TOO_BIG' } }] };
        }
        const contents = await readFile(path);
        const hash = createHash('sha256').update(contents).digest('hex');
        inputs.set(path, { path: pathInside(ask.folder, path), hash, size: contents.byteLength, mtimeMs });
        if (!library) texts.set(path, contents.toString());
        return { contents, loader: LOADERS[extname(path)] ?? 'js' };
      });
    },
  };

  return {
    plugin,
    inputs,
    texts,
    darumaExports: ['definePlugin', 'z', 'GiveUp', 'RetryLater', 'EffectUnknown'],
    async inputOf(file) {
      const path = pathInside(ask.folder, file);
      try {
        const [contents, { mtimeMs }] = await Promise.all([readFile(file), stat(file)]);
        const hash = createHash('sha256').update(contents).digest('hex');
        return { path, hash, size: contents.byteLength, mtimeMs };
      } catch {
        return { path, hash: null, size: 0, mtimeMs: 0 };
      }
    },
  };
}
