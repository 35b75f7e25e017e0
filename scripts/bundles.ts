/**
 * The bundles of `dist/`: each process and each thread loads one file, with the libraries that it needs. Each bundle lies
 * where its source lies in `src/`, so `entryFile` names the same path from both.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { zodInEnglish } from '../src/catalog/builder/daruma-imports.ts';

interface Group {
  /** Sources below `src/`, without `.ts`. */
  entries: string[];
  /** Sources that other groups bundle: they are imported, not copied. Beginnings of paths below `src/`. */
  apart?: string[];
  /** Packages that stay in `node_modules/`. */
  external?: string[];
  /** Whether what the entries load lazily is in files of their own, and what they share too. */
  isSplit?: boolean;
  /** Whether a library asks for `require`, which a module has not by itself. */
  needsRequire?: boolean;
  /** Whether it has the schemas of results, which rows of the table load when they are asked for. Default true. */
  hasResults?: boolean;
  /** Whether there may be many of it at once, so that each module of Node's counts. */
  isLean?: boolean;
  /** Whether comments and white space are left out: V8 keeps the text of a bundle in its heap. Names stay, for stack traces. */
  isMinified?: boolean;
}

const GUARDIAN = 'guardian/guardian';
const QUICK_STATUS = 'cli/quick-status';

const GROUPS: readonly Group[] = [
  // Host and command line share code: a command runs either, and a Fault of the host is one for the command line.
  {
    entries: ['main'],
    apart: [GUARDIAN, QUICK_STATUS],
    external: ['age-encryption', 'esbuild', 'tar'],
    isSplit: true,
    needsRequire: true,
    isMinified: true,
  },
  { entries: [GUARDIAN] },
  { entries: [QUICK_STATUS], isLean: true },
  { entries: ['store/sqlite/inside/thread'], isMinified: true },
  { entries: ['workers/inside/cell'], isLean: true },
  { entries: ['workers/inside/boot'], isLean: true },
  { entries: ['workers/inside/postgres/lent'] },
  { entries: ['workers/inside/postgres/driver'], needsRequire: true },
  { entries: ['gateway/exec/inside/broker'] },
  { entries: ['gateway/exec/inside/fenced'] },
  { entries: ['gateway/models/inside/process'], isLean: true },
  { entries: ['catalog/builder/process'], external: ['esbuild'] },
  { entries: ['catalog/builder/loader'] },
  { entries: ['drills/jumping-clock'] },
  { entries: ['web/process'] },
  { entries: ['web/form'] },
  { entries: ['mcp/serve'], hasResults: false },
  { entries: ['web/reads-thread'], external: ['esbuild'], needsRequire: true },
  { entries: ['plugin/zod'] },
  { entries: ['index'], external: ['zod'] },
  { entries: ['testing/index'], external: ['esbuild', 'zod'], needsRequire: true },
];

const REQUIRE =
  "import{createRequire as __requireOf}from'node:module';const require=/* @__PURE__ */__requireOf(import.meta.url);";

/** Writes all bundles with their source maps to the folder `out`, and the licences of the libraries in them. */
export async function writeBundles(root: string, out: string): Promise<void> {
  const reports = await Promise.all(GROUPS.map((group) => writeGroup(root, out, group)));
  writeFileSync(join(out, 'THIRD-PARTY.txt'), licencesOf(root, reports));
}

async function writeGroup(root: string, out: string, group: Group): Promise<Metafile> {
  const entries = group.entries.map((entry) => `src/${entry}.ts`);
  const options = optionsOf(root, out, group);
  if (!group.isSplit) return (await build({ ...options, entryPoints: entries })).metafile;
  // Without a name of its own, a file that is loaded lazily is called after its content, and is gone after the next
  // build while a process that has not loaded it lives on. So all that is loaded lazily is found first, and named.
  const { metafile } = await build({ ...options, entryPoints: entries, write: false, sourcemap: false });
  const lazy = Object.values(metafile.outputs).flatMap(({ entryPoint }) => entryPoint ?? []);
  const own = lazy.filter((file) => file.startsWith('src/'));
  return (await build({ ...options, entryPoints: [...new Set([...entries, ...own])] })).metafile;
}

function optionsOf(root: string, out: string, group: Group): BuildOptions & { metafile: true } {
  return {
    absWorkingDir: root,
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
    minifyWhitespace: group.isMinified === true,
    ...(group.isMinified ? { lineLimit: 160 } : {}),
    banner: group.needsRequire ? { js: REQUIRE } : {},
    plugins: [
      zodInEnglish,
      datesOfLogs,
      datesOfCron,
      noValidator,
      noPasswordFiles,
      apart(group.apart ?? []),
      ...(group.isLean ? [leanModules] : []),
      ...(group.hasResults === false ? [noResults] : []),
    ],
  };
}

/**
 * Modules of Node's are taken as `require` takes them. An `import` of one reads all that it offers, and with that loads
 * what it would load when it is first asked for: node:fs brings readline, streams and `fs.promises`, fifteen modules.
 */
const leanModules: Plugin = {
  name: 'lean-modules',
  setup(at) {
    at.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'lean-modules' }));
    at.onLoad({ filter: /./, namespace: 'lean-modules' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path as 'node:fs')).filter((name) =>
        /^[a-zA-Z]\w*$/.test(name),
      );
      const exported = names.map((name) => `export const ${name} = /* @__PURE__ */ of('${name}');`);
      return {
        contents: `const found = process.getBuiltinModule('${path}');
const of = (name) => found[name];
export default found;
${exported.join('\n')}`,
      };
    });
  },
};

/** pino-roll takes five functions out of date-fns by `require`, which would bring all 300 of its files. */
const datesOfLogs: Plugin = {
  name: 'dates-of-logs',
  setup(at) {
    at.onResolve({ filter: /^date-fns$/ }, ({ importer, path, resolveDir }) =>
      importer.includes('/pino-roll/') ? { path, namespace: 'dates-of-logs', pluginData: resolveDir } : undefined,
    );
    at.onLoad({ filter: /./, namespace: 'dates-of-logs' }, ({ pluginData }) => ({
      contents: ['addDays', 'addHours', 'format', 'isValid', 'parse']
        .map((name) => `export { ${name} } from 'date-fns/${name}';`)
        .join(''),
      resolveDir: pluginData as string,
    }));
  },
};

/**
 * `cron` reads expressions here and works out no time (src/kernel/cron/fields.ts): of luxon, which takes 6 MB, it asks only
 * whether an expression is a date of it.
 */
const datesOfCron: Plugin = {
  name: 'dates-of-cron',
  setup(at) {
    at.onResolve({ filter: /^luxon$/ }, ({ importer, path }) =>
      importer.includes('/cron/') ? { path, namespace: 'dates-of-cron' } : undefined,
    );
    at.onLoad({ filter: /./, namespace: 'dates-of-cron' }, () => ({ contents: 'export class DateTime {}' }));
  },
};

/** The MCP server checks answers of its client to questions that it never asks, by a validator of 300 KB: it gets none. */
const noValidator: Plugin = {
  name: 'no-validator',
  setup(at) {
    at.onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, ({ path }) => ({
      path,
      namespace: 'no-validator',
    }));
    at.onLoad({ filter: /./, namespace: 'no-validator' }, () => ({
      contents: "export { default as process } from 'node:process'; export class DefaultJsonSchemaValidator {}",
    }));
  },
};

/** A pool is told its password: `pg` would look for one in a file of the user's home. */
const noPasswordFiles: Plugin = {
  name: 'no-password-files',
  setup(at) {
    at.onResolve({ filter: /^pgpass$/ }, ({ path }) => ({ path, namespace: 'no-password-files' }));
    at.onLoad({ filter: /./, namespace: 'no-password-files' }, () => ({
      contents: 'module.exports = (_, found) => found();',
    }));
  },
};

/** Leaves the schemas of results out: no row of the table loads them in such a process. */
const noResults: Plugin = {
  name: 'no-results',
  setup(at) {
    at.onResolve({ filter: /^\.\/results\/[\w-]+\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, namespace: 'no-results' } : undefined,
    );
    at.onLoad({ filter: /./, namespace: 'no-results' }, () => ({ contents: '' }));
  },
};

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
