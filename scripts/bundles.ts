/**
 * The bundles of `dist/`: each process and each thread loads one file, with the libraries that it needs. Each bundle lies
 * where its source lies in `src/`, so `entryFile` names the same path from both.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { zodInEnglish } from '../src/catalog/builder/zod-languages.ts';

interface Group {
  /** Sources below `src/`, without `.ts`. */
  entries: string[];
  /** Sources that other groups bundle: they are imported, not copied. Beginnings of paths below `src/`. */
  apart?: string[];
  /** Packages that stay in `node_modules/`. */
  external?: string[];
  /** Whether the entries share code in files of its own. */
  isSplit?: boolean;
  /** Whether a library asks for `require`, which a module has not by itself. */
  needsRequire?: boolean;
}

const GUARDIAN = 'guardian/guardian';

/**
 * Host and command line are one group: a command runs either, and a Fault of the host is one for the command line. What
 * is loaded lazily is an entry, so that its name outlives a build.
 */
function groupsOf(root: string): Group[] {
  const commands = readdirSync(join(root, 'src/cli/commands')).map((name) => `cli/commands/${name.replace('.ts', '')}`);
  return [
    {
      entries: [
        'main',
        ...commands,
        'cli/node',
        'cli/run',
        'cli/quick',
        'cli/typed',
        'cli/reach',
        'cli/offline',
        'cli/last-end',
        'cli/given',
        'cli/text/agent',
        'guardian/loader',
        'host/lifecycle/run',
        'host/backup/index',
        'host/api/offline',
        'host/api/offline-store',
        'host/api/check-files',
        'schedule/words',
      ],
      apart: [GUARDIAN],
      external: ['esbuild', 'tar'],
      isSplit: true,
      needsRequire: true,
    },
    { entries: [GUARDIAN] },
    { entries: ['store/sqlite/inside/thread'] },
    { entries: ['workers/inside/cell'] },
    { entries: ['workers/inside/boot'] },
    { entries: ['gateway/exec/inside/broker'] },
    { entries: ['catalog/builder/process'], external: ['esbuild'] },
    { entries: ['catalog/builder/inside'] },
    { entries: ['plugin/zod'] },
    { entries: ['index'], external: ['zod'] },
    { entries: ['testing/index'], external: ['esbuild', 'zod'], needsRequire: true },
  ];
}

const REQUIRE =
  "import{createRequire as __requireOf}from'node:module';const require=/* @__PURE__ */__requireOf(import.meta.url);";

/** Writes all bundles with their source maps to the folder `out`, and the licences of the libraries in them. */
export async function writeBundles(root: string, out: string): Promise<void> {
  const reports = await Promise.all(groupsOf(root).map((group) => writeGroup(root, out, group)));
  writeFileSync(join(out, 'THIRD-PARTY.txt'), licencesOf(root, reports));
}

async function writeGroup(root: string, out: string, group: Group): Promise<Metafile> {
  const options: BuildOptions = {
    absWorkingDir: root,
    entryPoints: group.entries.map((entry) => `src/${entry}.ts`),
    outdir: out,
    outbase: 'src',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: group.isSplit === true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
    external: group.external ?? [],
    banner: group.needsRequire ? { js: REQUIRE } : {},
    plugins: [zodInEnglish, apart(group.apart ?? [])],
  };
  const { metafile } = await build({ ...options, metafile: true });
  const named = new Set(group.entries.map((entry) => `src/${entry}.ts`));
  for (const { entryPoint } of Object.values(metafile.outputs)) {
    // A lazily loaded file under the name of its content is gone after the next build, while the process lives on.
    if (entryPoint?.startsWith('src/') && !named.has(entryPoint)) {
      throw new Error(`${entryPoint} is loaded lazily: add it to the entries of its group in scripts/bundles.ts`);
    }
  }
  return metafile;
}

/** Leaves the import of a file that is another group's entry as it stands: from `main.js`, paths in `dist/` are those in `src/`. */
function apart(entries: readonly string[]): Plugin {
  return {
    name: 'apart',
    setup(at) {
      at.onResolve({ filter: /^\.\/.*\.ts$/ }, ({ path, importer }) =>
        importer.endsWith('/src/main.ts') && entries.includes(path.slice(2, -3))
          ? { path: path.replace(/\.ts$/, '.js'), external: true }
          : undefined,
      );
    },
  };
}

/** The licence of each package that is part of a bundle, which its authors ask to be handed on. */
function licencesOf(root: string, reports: Metafile[]): string {
  const inputs = reports.flatMap(({ inputs }) => Object.keys(inputs));
  const folders = inputs.flatMap((path) => /node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const texts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file && existsSync(join(root, folder, file)) ? readFileSync(join(root, folder, file), 'utf8') : '';
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
