import { readFileSync } from 'node:fs';
import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { notKeptOf } from '../../kernel/not-kept.ts';
import { guardedWords } from '../../kernel/plugin-modules.ts';
import {
  isFrame,
  isOwnSource,
  mapLine,
  parseSourceMap,
  type Source,
  type SourcePlace,
  sourcesIn,
} from '../../kernel/source-map.ts';
import { codeFrame, placeOfOffset } from '../../kernel/source-text.ts';
import type { LoadOutcome, LoadProcesses } from './load-process.ts';
import { type FromInside, type InspectAnswer, type InspectRequest, LOAD_HEAP_MB } from './messages.ts';

type Refused = Extract<FromInside, { ok: false }>;
type Loaded = Pick<InspectRequest, 'bundle' | 'folder' | 'file'>;

const EXAMPLE = "export default definePlugin({ about: '…', run() {} })";

/** Lets a load process load a bundle, and says what the plugin is. */
export async function inspect(ask: InspectRequest, loads: LoadProcesses): Promise<InspectAnswer> {
  const outcome = await loads.load(ask);
  if (outcome.is !== 'found') return { ok: false, fault: outcomeFault(ask, outcome) };
  const { found } = outcome;
  return found.ok
    ? { ok: true, manifest: found.manifest, issues: found.issues }
    : { ok: false, fault: refusedFault(ask, found) };
}

function outcomeFault(ask: InspectRequest, outcome: Exclude<LoadOutcome, { is: 'found' }>): PlainFault {
  const { file, withinMs } = ask;
  const next = 'move what it does at load into `run`';
  switch (outcome.is) {
    case 'late': {
      const message = `did not finish loading within ${withinMs / 1_000} s: it loops or waits at its top level`;
      return { code: 'PLUGIN_LOADS_FOREVER', message, file, next };
    }
    case 'forged': {
      const message = 'writes messages of its own at load where Daruma expects what the plugin is';
      return { code: 'PLUGIN_FORGED', message, file, next: 'leave alone descriptors and ports that it did not open' };
    }
    case 'exit': {
      const message =
        outcome.code === 13
          ? 'never finishes loading: an await at its top level is never settled'
          : `ends its process at load (exit code ${outcome.code})`;
      return { code: 'PLUGIN_LOAD', message, file, next };
    }
    case 'unfenced': {
      const { message } = outcome;
      return { code: 'FENCE_FAILED', message: `is not loaded: ${message}`, file, next: 'daruma doctor' };
    }
    case 'memory':
      return outOfMemory(file);
    case 'error':
      return thrownFault(ask, outcome);
    case 'died':
      return {
        code: 'PLUGIN_LOAD_CRASH',
        message: `brings down its process only by being loaded (${outcome.how})`,
        file,
        next,
      };
  }
}

/** The fault of a plugin that its own thread refused, with its place where there is one. */
function refusedFault(ask: Loaded, found: Refused): PlainFault {
  const { file } = ask;
  const { because, message } = found;
  switch (because) {
    case 'not-a-plugin': {
      const what =
        message === 'undefined'
          ? 'it has no default export'
          : `its default export is ${message}, not what definePlugin returns`;
      return { code: 'PLUGIN_EXPORT', message: what, file, next: `write \`${EXAMPLE}\`` };
    }
    case 'bad-run': {
      const what = `run is ${message === 'undefined' ? 'missing' : message}: expected a function`;
      return { code: 'PLUGIN_INVALID', message: what, file, next: 'add `async run({ settings, log }) { … }`' };
    }
    case 'bad-settings':
      return badSchema(ask, found, 'settings', 'a zod object');
    case 'bad-input':
      return badSchema(ask, found, 'input', 'a zod schema');
    case 'bad-body':
      return badSchema(ask, found, 'webhook.input', 'a zod schema');
    case 'two-inputs': {
      const what = 'webhook.input stands beside `input`: both say what `job.input` is';
      const next =
        'keep `webhook.input`, the schema of the body; or `input`, the schema of `{ event, delivery, body }`';
      return { code: 'PLUGIN_INVALID', message: what, file, next };
    }
    case 'guarded':
      return guardedFault(ask, message);
    case 'threw':
      return thrownFault(ask, found);
  }
}

function badSchema({ file }: Loaded, { message, stack }: Refused, name: string, expected: string): PlainFault {
  return {
    code: 'PLUGIN_INVALID',
    message: `${name} is ${stack ? `not usable: ${message}` : message}: expected ${expected}`,
    file,
    next: `write \`${name}: z.strictObject({ … })\` with \`z\` from 'daruma'`,
  };
}

/** The fault of a plugin that throws while it is loaded. */
function thrownFault(ask: Loaded, thrown: { name?: string; message: string; stack: string }): PlainFault {
  const { name, message, stack } = thrown;
  // A fence of Daruma writes the whole sentence.
  const isRefused = name === 'Fault';
  const named = name && name !== 'Error' && !isRefused ? `${name}: ` : '';
  const mapped = mapStack(stack, ask);
  const fault: PlainFault = {
    code: 'PLUGIN_LOAD',
    message: `throws at load: ${named}${message}`,
    file: ask.file,
    ...(isRefused ? { next: 'leave it out: it is refused in `run`, too' } : {}),
    ...given({ stack: mapped.stack }),
  };
  const code = message.startsWith('Cannot find module') ? 'MODULE_NOT_FOUND' : message.split(':')[0];
  const notKept = notKeptOf({ message, code }, ask.folder);
  if (notKept) Object.assign(fault, { message: `at load, ${notKept.message}`, next: notKept.next });
  else if (/ERR_ACCESS_DENIED|Access to this API has been restricted/.test(`${stack}${message}`)) {
    fault.message = 'does something at load that only `run` may do (files, network, processes)';
    fault.next = 'move it into `run`';
  }
  return { ...fault, ...(mapped.place ? placed(mapped.place) : {}) };
}

/** The fault of a plugin that fills its memory while it is loaded. */
function outOfMemory(file: string): PlainFault {
  return {
    code: 'PLUGIN_LOAD_MEMORY',
    message: `needs more than ${LOAD_HEAP_MB} MB of memory only to be loaded`,
    file,
    next: 'move what it builds at load into `run`',
  };
}

/** A plugin that imports one of Node's guarded modules when it is loaded, at the line of the import: no job of it could ever begin. */
function guardedFault(ask: Loaded, name: string): PlainFault {
  const { why, next } = guardedWords(name);
  const hit = importOf(name, ask);
  const by = hit?.library ? `, through the package ${hit.library}` : '';
  return {
    code: 'NOT_IN_NEEDS',
    message: `imports node:${name} at load${by}: ${why}`,
    file: ask.file,
    next,
    data: { asked: `node:${name}` },
    ...(hit && !hit.library ? placed({ ...hit, ...placeOfOffset(hit.text, hit.offset) }) : {}),
  };
}

interface Hit {
  file: string;
  text: string;
  offset: number;
  library: string | undefined;
}

/** The place that names the module; the author's own files come first. */
function importOf(name: string, ask: Loaded): Hit | undefined {
  const named = new RegExp(`(["'\`])(?:node:)?${name}\\1`);
  const hits: Hit[] = [];
  for (const { file, absolute, text } of sourcesOf(ask)) {
    const offset = text === undefined ? undefined : named.exec(text)?.index;
    if (text === undefined || offset === undefined) continue;
    const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/.exec(absolute)?.[1];
    hits.push({ file, text, offset, library });
  }
  return hits.find(({ library }) => library === undefined) ?? hits[0];
}

function sourcesOf(ask: Loaded): Source[] {
  const map = mapOf(ask);
  return map ? sourcesIn(map, { mapFile: mapFileOf(ask), folder: ask.folder }) : [];
}

/** Turns the places of a stack from the bundle's to the author's; frames of Node and of the inspection are left out. */
function mapStack(stack: string, ask: Loaded): { stack: string; place?: SourcePlace } {
  const map = mapOf(ask);
  if (!map) return { stack };
  const { folder, bundle } = ask;
  const lines = stack
    .split('\n')
    .map((line) =>
      isFrame(line)
        ? mapLine(line, { file: bundle, mapFile: mapFileOf(ask) }, map, folder)
        : { text: line, place: undefined },
    )
    .filter(({ text, place }) => place || !isFrame(text));
  const place = lines.find(
    (line) => line.place && isOwnSource(line.place) && line.place.absolute.startsWith(`${folder}/`),
  )?.place;
  return { stack: lines.map(({ text }) => text).join('\n'), ...given({ place }) };
}

function mapFileOf({ bundle }: Loaded): string {
  return `${bundle}.map`;
}

function mapOf(ask: Loaded): ReturnType<typeof parseSourceMap> {
  try {
    return parseSourceMap(readFileSync(mapFileOf(ask), 'utf8'));
  } catch {
    return undefined;
  }
}

function placed(place: { file: string; line: number; column: number; text?: string | undefined }) {
  const { file, line, column, text } = place;
  const frame = text === undefined ? undefined : codeFrame(text, line, column);
  return { file, line, column, ...given({ frame }) };
}
