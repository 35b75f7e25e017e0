import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { build, type Message } from 'esbuild';
import type { PlainFault } from '../../kernel/fault.ts';
import { suggest } from '../../kernel/suggest.ts';
import { codeFrame } from '../files/frame.ts';
import { BUNDLE_FILE, MAP_FILE, pathInside, SOURCE_FOLDER } from '../versions/files.ts';
import { darumaImports } from './daruma-imports.ts';
import type { CompileAnswer, CompileAsk, Input } from './messages.ts';
import { readsSources, type SourceReads } from './source-reads.ts';

/** Libraries in the old module format ask for these; in a bundle they are not there by themselves. */
const BANNER =
  "import{createRequire as __darumaRequire}from'node:module';" +
  'globalThis.require??=__darumaRequire(import.meta.url);' +
  'globalThis.__filename??=import.meta.filename;globalThis.__dirname??=import.meta.dirname;';

/**
 * Bundles one plugin with everything it imports into one file of plain JavaScript and its source map, in the staging
 * folder. Never rejects for what an author did: that is a fault in the answer, with its place.
 */
export async function compile(ask: CompileAsk): Promise<CompileAnswer> {
  const reads = readsSources(ask);
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
      banner: { js: BANNER },
      logLevel: 'silent',
      write: false,
      plugins: [darumaImports(ask.daruma), reads.plugin],
    });
    const code = built.outputFiles.find(({ path }) => path.endsWith('.mjs'))!;
    const map = built.outputFiles.find(({ path }) => path.endsWith('.map'))!;
    await writeFile(join(ask.staging, BUNDLE_FILE), code.contents);
    await writeFile(join(ask.staging, MAP_FILE), slimMap(map.text, ask));
    const id = createHash('sha256').update(code.contents).update(ask.runtime).digest('hex').slice(0, 12);
    const sourceBytes = await keepSources(ask, reads);
    return { ok: true, id, bytes: code.contents.byteLength, sourceBytes, inputs: await allInputs(ask, reads) };
  } catch (thrown) {
    const message = (thrown as { errors?: Message[] }).errors?.[0];
    if (!message) throw thrown;
    const more = (thrown as { errors: Message[] }).errors.length - 1;
    return { ok: false, fault: tell(message, more, ask, reads), inputs: await allInputs(ask, reads) };
  }
}

/** Writes the author's files beside the bundle, and returns their bytes. Files outside of the installation are not kept. */
async function keepSources(ask: CompileAsk, reads: SourceReads): Promise<number> {
  let bytes = 0;
  for (const [path, text] of reads.texts) {
    const inside = pathInside(ask.folder, path);
    if (isAbsolute(inside)) continue;
    const to = join(ask.staging, SOURCE_FOLDER, inside);
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, text);
    bytes += Buffer.byteLength(text);
  }
  return bytes;
}

/** The text of libraries would make the map three times as large, and is on nobody's screen. */
function slimMap(text: string, ask: CompileAsk): string {
  const map = JSON.parse(text) as { sources: string[]; sourcesContent?: (string | null)[] };
  map.sourcesContent = map.sourcesContent?.map((content, index) => {
    const source = join(ask.staging, map.sources[index]!);
    return source.includes('/node_modules/') || !source.startsWith(`${ask.folder}/`) ? null : content;
  });
  return JSON.stringify(map);
}

async function allInputs(ask: CompileAsk, reads: SourceReads): Promise<Input[]> {
  const inputs = [...reads.inputs.values()];
  // What these say changes the code (decorators, jsx, paths) and they are read by esbuild itself, past our eyes.
  for (const file of [join(ask.folder, 'tsconfig.json'), join(ask.folder, 'plugins/tsconfig.json')]) {
    inputs.push(await reads.inputOf(file));
  }
  return inputs.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function tell(message: Message, more: number, ask: CompileAsk, reads: SourceReads): PlainFault {
  const detail = message.detail as { code?: string; next?: string } | undefined;
  const unresolved = /^Could not resolve "([^"]+)"/.exec(message.text)?.[1];
  const known = /^No matching export in "[^"]*" for import "([^"]+)"/.exec(message.text)?.[1];
  const fault: PlainFault = {
    code: detail?.code ?? (unresolved ? 'PLUGIN_IMPORT_UNRESOLVED' : 'PLUGIN_SYNTAX'),
    message: unresolved ? tellUnresolved(unresolved) : message.text,
    file: pathInside(ask.folder, ask.entry),
  };
  const next = detail?.next ?? (unresolved ? adviceFor(unresolved) : undefined);
  if (next) fault.next = next;
  if (more > 0) fault.data = { more };
  const at = message.location;
  if (at) {
    const absolute = join(ask.folder, at.file);
    fault.file = pathInside(ask.folder, absolute);
    fault.line = at.line;
    // esbuild counts bytes of UTF-8 from 0.
    fault.column = Buffer.from(at.lineText).subarray(0, at.column).toString().length + 1;
    const text = reads.texts.get(absolute);
    const frame = text === undefined ? undefined : codeFrame(text, at.line, fault.column);
    if (frame) fault.frame = frame;
  }
  if (known) {
    const meant = suggest(known, reads.darumaExports);
    if (meant) fault.next = `did you mean \`${meant}\`?`;
  }
  return fault;
}

function tellUnresolved(name: string): string {
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
