import { createHash } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { build, type Message, type Metafile } from 'esbuild';
import type { PlainFault } from '../../kernel/fault.ts';
import { pathInside } from '../../kernel/paths.ts';
import { LENT_ZOD } from '../../kernel/plugin-modules.ts';
import { realOf } from '../../kernel/real-path.ts';
import { codeFrame } from '../../kernel/source-text.ts';
import { suggest } from '../../kernel/suggest.ts';
import { isCode } from '../files/source-limit.ts';
import { BUNDLE_FILE, keptPathOf, MAP_FILE, SOURCE_FOLDER } from '../versions/files.ts';
import { lookUp } from '../versions/lookups.ts';
import { type AssetReads, createAssetReads } from './asset-reads.ts';
import { darumaImports, lentRoots, zodInEnglish } from './daruma-imports.ts';
import { emitsIn } from './emits.ts';
import { createImportsAsked, type ImportsAsked, isPath } from './imports-asked.ts';
import type { CompileAnswer, CompileRequest } from './messages.ts';
import { getOrMake, type PathQuestionsTerms } from './path-questions.ts';
import { createReadGuard, isOfSystem } from './read-guard.ts';
import { isOfLibrary, readsSources, type SourceReads } from './source-reads.ts';
import { readTsConfigs, type TsConfigChain } from './tsconfig-chain.ts';

/**
 * A bundle lies elsewhere than the files that it is made of. Each file that asks for its own place gets an answer of
 * its own: these expressions are replaced by variables, which {@link withLocation} sets at the file's beginning.
 */
const LOCATION_DEFINES: Record<string, string> = {
  'import.meta.url': '__darumaUrl',
  'import.meta.dirname': '__darumaDirname',
  'import.meta.filename': '__darumaFilename',
  'import.meta.resolve': '__darumaResolve',
  __dirname: '__darumaDirname',
  __filename: '__darumaFilename',
  'require.resolve': '__darumaRequire.resolve',
};

/**
 * Stands at the beginning of each bundle. Libraries in the old module format ask for `require`, which a module has not by
 * itself; `__darumaAt` answers for a file, by its path as seen from the bundle.
 */
const LOCATION_BANNER =
  "import{createRequire as __darumaRequireOf}from'node:module';import{fileURLToPath as __darumaPathOf}from'node:url';" +
  'import{dirname as __darumaDirnameOf}from"node:path";' +
  'globalThis.require??=__darumaRequireOf(import.meta.url);' +
  'function __darumaAt(path){const url=new URL(path,import.meta.url).href,filename=__darumaPathOf(url);' +
  'return{url,filename,dirname:__darumaDirnameOf(filename),require:__darumaRequireOf(url),' +
  'resolve:(name)=>/^\\.{0,2}\\//.test(name)?new URL(name,url).href:import.meta.resolve(name)}}';

/**
 * Bundles one plugin with everything it imports into one file of plain JavaScript and its source map, in the staging
 * folder. Never rejects for what an author did: that is a fault in the answer, with its place. A file that changed
 * since `startedAt` (epoch ms) may have been read in either state.
 */
export async function compile(ask: CompileRequest, startedAt = Date.now()): Promise<CompileAnswer> {
  const since: Since = { startedAt, before: await answersBefore(ask.asked, ask.folder) };
  const fault = await oddConfigOf(ask);
  if (fault) return { ok: false, fault, inputs: [], lookups: [] };
  const answer = await attempt(ask, since, false);
  // The compiler reports on imports only when it succeeds: else it is made to ask for each of them.
  return answer.ok ? answer : attempt(ask, since, true);
}

/** The compiler reads each tsconfig.json by itself, and all that it extends: a pipe would hold it for ever. */
async function oddConfigOf({ entry, folder }: CompileRequest): Promise<PlainFault | undefined> {
  const { files } = await readTsConfigs(dirname(realOf(entry)));
  for (const file of files) {
    const at = await stat(file).catch(() => undefined);
    if (!at || at.isDirectory() || (at.isFile() && !isOfSystem(realOf(file)))) continue;
    const message = `${pathInside(folder, file)} is no file that a tsconfig.json may extend`;
    return { code: 'PLUGIN_IMPORT_OUTSIDE', message, file: pathInside(folder, entry), next: 'extend a file of yours' };
  }
  return undefined;
}

/** The moment at which the compilation began, and what was there then. */
type Since = Pick<PathQuestionsTerms, 'startedAt' | 'before'>;

async function attempt(ask: CompileRequest, since: Since, asksAll: boolean): Promise<CompileAnswer> {
  const made = await createReads(ask, since, asksAll);
  const { reads, assets } = made;
  try {
    const built = await build({
      entryPoints: [ask.entry],
      absWorkingDir: ask.folder,
      outfile: join(ask.staging, BUNDLE_FILE),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node26',
      sourcemap: 'external',
      jsx: 'automatic',
      legalComments: 'none',
      define: LOCATION_DEFINES,
      banner: { js: LOCATION_BANNER },
      logLevel: 'silent',
      metafile: true,
      write: false,
      plugins: [reads.plugin, darumaImports(ask.daruma), zodInEnglish],
    });
    const code = built.outputFiles.find(({ path }) => path.endsWith('.mjs'))!;
    const map = built.outputFiles.find(({ path }) => path.endsWith('.map'))!;
    await writeFile(join(ask.staging, BUNDLE_FILE), code.contents);
    await writeFile(join(ask.staging, MAP_FILE), slimMap(map.text, ask, reads));
    const hash = createHash('sha256').update(code.contents).update(ask.runtime).update(assets.fingerprint());
    const id = hash.digest('hex').slice(0, 12);
    const sourceBytes = await keepSources(ask, new Map([...reads.contents, ...assets.contents]));
    await addReported(built.metafile, ask, made);
    const found = await foundOut(made);
    const emits = emitsIn([...reads.contents].flatMap(([path, text]) => (isCode(path) ? String(text) : [])));
    return { ok: true, id, bytes: code.contents.byteLength, sourceBytes, reads: assets.reads(), emits, ...found };
  } catch (thrown) {
    const message = (thrown as { errors?: Message[] }).errors?.[0];
    if (!message) throw thrown;
    const more = (thrown as { errors: Message[] }).errors.length - 1;
    return { ok: false, fault: compileMessageFault(message, more, ask, reads), ...(await foundOut(made)) };
  }
}

/** Everything that reads files for one compilation, and remembers what was read and asked. */
interface Reads {
  reads: SourceReads;
  asked: ImportsAsked;
  assets: AssetReads;
  /**
   * Files that change the code and are that esbuild or workers read by themselves: each tsconfig, the package.json of the zod that is
   * lent.
   */
  unread: Set<string>;
}

async function createReads(ask: CompileRequest, since: Since, asksAll: boolean): Promise<Reads> {
  const unread = new Set<string>();
  const chains = new Map<string, Promise<TsConfigChain>>();
  const asked = createImportsAsked({
    folder: ask.folder,
    ...since,
    async tsconfigsOf(from) {
      if (isOfLibrary(`${from}/`)) return [];
      const { files, bases, configs } = await getOrMake(chains, from, () => readTsConfigs(from));
      for (const file of files) unread.add(file);
      for (const base of bases) await asked.addPackage(base);
      return configs;
    },
  });
  const lent = [...lentRoots(ask.daruma).values()];
  const guard = await createReadGuard({ ...ask, lent, packageRoots: asked.packageRoots });
  const assets = await createAssetReads(ask, { guard, asked });
  return { reads: readsSources(ask, { guard, asked, assets, asksAll }), asked, assets, unread };
}

/**
 * Adds imports of paths, and imports with a wildcard: hearing of them from the report is cheaper than being asked for
 * each.
 */
async function addReported(report: Metafile, ask: CompileRequest, made: Reads): Promise<void> {
  const { asked, reads } = made;
  const all: Promise<void>[] = [];
  for (const [input, { imports }] of Object.entries(report.inputs)) {
    const file = resolve(ask.folder, input);
    if (reads.isOfDaruma(file)) continue;
    const from = dirname(file);
    for (const { path, external, original } of imports) {
      if (original !== undefined && isPath(original)) all.push(asked.add({ specifier: original, from }));
      // The author imports zod himself: an update in its place makes the package the author's own.
      else if (path === LENT_ZOD) made.unread.add(join(lentRoots(ask.daruma).get('zod')!, 'package.json'));
      else if (external && path.startsWith('.') && path.includes('*'))
        all.push(asked.addWildcard({ specifier: path, from }));
    }
  }
  await Promise.all(all);
}

/** Writes the author's files beside the bundle, and returns their bytes. */
async function keepSources(ask: CompileRequest, contents: ReadonlyMap<string, Buffer>): Promise<number> {
  let bytes = 0;
  for (const [path, content] of contents) {
    const to = join(ask.staging, SOURCE_FOLDER, keptPathOf(ask.folder, path));
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, content);
    bytes += content.byteLength;
  }
  return bytes;
}

/** The text of libraries would make the map three times as large, and is on nobody's screen. */
function slimMap(text: string, ask: CompileRequest, reads: SourceReads): string {
  const map = JSON.parse(text) as { sources: string[]; sourcesContent?: (string | null)[] };
  map.sourcesContent = map.sourcesContent?.map((_, index) => {
    const source = join(ask.staging, map.sources[index]!);
    if (isOfLibrary(source) || !source.startsWith(`${ask.folder}/`)) return null;
    // The text as the author wrote it, without what was put before its first line.
    return reads.contents.get(source)?.toString() ?? null;
  });
  return JSON.stringify(map);
}

async function foundOut({ reads, asked, assets, unread }: Reads) {
  const read = await Promise.all([...unread].map((file) => reads.inputOf(file)));
  const inputs = [...reads.inputs.values(), ...assets.inputs.values(), ...read];
  const byPath = new Map(inputs.map((input) => [input.path, input]));
  return { inputs: [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), lookups: await asked.lookups() };
}

function compileMessageFault(message: Message, more: number, ask: CompileRequest, reads: SourceReads): PlainFault {
  const kind = /^No loader is configured for "(.*)" files: (.+)$/.exec(message.text);
  const detail = message.detail as { code?: string; next?: string } | undefined;
  const unresolved = /^Could not resolve "([^"]+)"/.exec(message.text)?.[1];
  const known = /^No matching export in "[^"]*" for import "([^"]+)"/.exec(message.text)?.[1];
  const fault: PlainFault = {
    code: detail?.code ?? (unresolved ? 'PLUGIN_IMPORT_UNRESOLVED' : kind ? 'PLUGIN_IMPORT_KIND' : 'PLUGIN_SYNTAX'),
    message: unresolved ? unresolvedHint(unresolved) : kind ? fileKindHint(kind[2]!) : message.text,
    file: pathInside(ask.folder, ask.entry),
  };
  const next = detail?.next ?? (unresolved ? adviceFor(unresolved) : kind ? adviceForKind(kind[1]!) : undefined);
  if (next) fault.next = next;
  if (more > 0) fault.data = { more };
  const at = message.location;
  if (at) {
    const absolute = join(ask.folder, at.file);
    fault.file = pathInside(ask.folder, absolute);
    fault.line = at.line;
    // esbuild counts bytes of UTF-8 from 0.
    const column = Buffer.from(at.lineText).subarray(0, at.column).toString().length + 1;
    fault.column = at.line === 1 ? Math.max(1, column - (reads.added.get(absolute) ?? 0)) : column;
    const text = reads.contents.get(absolute)?.toString();
    const frame = text === undefined ? undefined : codeFrame(text, at.line, fault.column);
    if (frame) fault.frame = frame;
  }
  if (known) {
    const meant = suggest(known, reads.darumaExports);
    if (meant) fault.next = `did you mean \`${meant}\`?`;
  }
  return fault;
}

function fileKindHint(file: string): string {
  return `${file} is imported, and nothing says as what`;
}

function adviceForKind(ending: string): string {
  const example = ending === '.wasm' ? ', and give the bytes to `WebAssembly.instantiate`' : '';
  const type = /^\.(?:md|mdx|html?|sql|ya?ml|toml|csv|graphql|prompt|hbs|mustache|svg|xml)$/.test(ending)
    ? 'text'
    : 'bytes';
  return `add \`with { type: '${type}' }\` to the import${example}`;
}

function unresolvedHint(name: string): string {
  if (name.endsWith('/jsx-runtime') || name.endsWith('/jsx-dev-runtime')) {
    return `JSX needs a library, and ${name} is not installed`;
  }
  return name.startsWith('.') ? `there is no file ${name}` : `the package ${name} is not installed`;
}

function adviceFor(name: string): string {
  if (name.endsWith('/jsx-runtime') || name.endsWith('/jsx-dev-runtime')) {
    return 'begin the file with /** @jsxImportSource hono/jsx */ (or the library that you use), and install it';
  }
  if (name.startsWith('.')) return 'correct the path, or write the file';
  const parts = name.split('/');
  return `npm install ${name.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]}`;
}

/** Takes the answers of {@link PathQuestionsTerms.before}. */
async function answersBefore(paths: readonly string[], folder: string): Promise<Map<string, string>> {
  return new Map(await Promise.all(paths.map(async (path) => [path, await lookUp('is', path, folder)] as const)));
}
