import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { PlainFault } from '../../kernel/fault.ts';
import { notKeptOf } from '../../kernel/not-kept.ts';
import { entryFile } from '../../kernel/paths.ts';
import { LENT_ZOD_FILE } from '../../kernel/plugin-modules.ts';
import { codeFrame } from '../../kernel/source-text.ts';
import { guardedImport } from './guarded-import.ts';
import { LOAD_HEAP_MB, outOfMemory } from './load-memory.ts';
import { type MappedStack, mapStack } from './mapped-stack.ts';
import type { FromInside, InspectAnswer, InspectRequest } from './messages.ts';

/** The thread's own bundle. */
const INSIDE = fileURLToPath(entryFile('catalog/builder/inside.js'));
/** All that the thread loads of Daruma. */
const OWN = [INSIDE, fileURLToPath(LENT_ZOD_FILE)];
const EXAMPLE = "export default definePlugin({ about: '…', run() {} })";

/**
 * Loads a bundle in a throwaway thread without rights, and says what the plugin is. A plugin that loads for ever keeps
 * this waiting: the deadline is the asker's, who ends the whole process.
 */
export async function inspect(ask: InspectRequest): Promise<InspectAnswer> {
  const worker = new Worker(INSIDE, {
    name: 'inspect',
    workerData: { bundle: ask.bundle, settings: ask.settings },
    env: {},
    // The process's working directory is always readable: the builder runs in an empty one.
    execArgv: ['--permission', ...[ask.bundle, ...OWN, ...ask.reads].map(toGrant)],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: LOAD_HEAP_MB, maxYoungGenerationSizeMb: 16 },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  try {
    return await new Promise<InspectAnswer>((resolve) => {
      worker.once('message', (found: FromInside) =>
        resolve(found.ok ? { ok: true, manifest: found.manifest, issues: found.issues } : refused(ask, found)),
      );
      worker.once('error', (error: unknown) => resolve({ ok: false, fault: loadFault(ask, error) }));
      worker.once('exit', (code) => resolve({ ok: false, fault: exitFault(ask, code) }));
    });
  } finally {
    await worker.terminate();
  }
}

const filesOf = ({ bundle }: InspectRequest) => ({ file: bundle, mapFile: `${bundle}.map` });

const toGrant = (path: string) => `--allow-fs-read=${path}`;

function refused(ask: InspectRequest, found: Extract<FromInside, { ok: false }>): InspectAnswer {
  if (found.because === 'not-a-plugin') {
    const message =
      found.message === 'undefined'
        ? 'it has no default export'
        : `its default export is ${found.message}, not what definePlugin returns`;
    return { ok: false, fault: { code: 'PLUGIN_EXPORT', message, file: ask.file, next: `write \`${EXAMPLE}\`` } };
  }
  if (found.because === 'bad-run') {
    const message = `run is ${found.message === 'undefined' ? 'missing' : found.message}: expected a function`;
    return {
      ok: false,
      fault: { code: 'PLUGIN_INVALID', message, file: ask.file, next: 'add `async run({ settings, log }) { … }`' },
    };
  }
  if (found.because === 'guarded') {
    const terms = { file: ask.file, mapFile: `${ask.bundle}.map`, folder: ask.folder };
    return { ok: false, fault: guardedImport(found.message, terms) };
  }
  const mapped = mapStack(found.stack, filesOf(ask), ask.folder);
  if (found.because === 'bad-settings' || found.because === 'bad-input') {
    const [name, expected] =
      found.because === 'bad-settings' ? ['settings', 'a zod object'] : ['input', 'a zod schema'];
    const fault: PlainFault = {
      code: 'PLUGIN_INVALID',
      message: `${name} is ${found.stack ? `not usable: ${found.message}` : found.message}: expected ${expected}`,
      file: ask.file,
      next: `write \`${name}: z.strictObject({ … })\` with \`z\` from 'daruma'`,
    };
    return { ok: false, fault };
  }
  const named = found.name && found.name !== 'Error' ? `${found.name}: ` : '';
  const fault: PlainFault = {
    code: 'PLUGIN_LOAD',
    message: `throws at load: ${named}${found.message}`,
    file: ask.file,
  };
  if (mapped.stack) fault.stack = mapped.stack;
  const code = found.message.startsWith('Cannot find module') ? 'MODULE_NOT_FOUND' : found.message.split(':')[0];
  const notKept = notKeptOf({ message: found.message, code }, ask.folder);
  if (notKept) Object.assign(fault, { message: `at load, ${notKept.message}`, next: notKept.next });
  else if (/ERR_ACCESS_DENIED|Access to this API has been restricted/.test(`${found.stack}${found.message}`)) {
    fault.message = 'does something at load that only `run` may do (files, network, processes)';
    fault.next = 'move it into `run`';
  }
  return { ok: false, fault: { ...fault, ...placed(mapped) } };
}

function placed({ place }: MappedStack): Partial<PlainFault> {
  if (!place) return {};
  const frame = place.text === undefined ? undefined : codeFrame(place.text, place.line, place.column);
  return { file: place.file, line: place.line, column: place.column, ...(frame ? { frame } : {}) };
}

function loadFault(ask: InspectRequest, error: unknown): PlainFault {
  const { code, message, stack } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return outOfMemory(ask.file);
  const mapped = mapStack(String(stack ?? ''), filesOf(ask), ask.folder);
  return {
    code: 'PLUGIN_LOAD',
    message: `throws at load: ${message ?? String(error)}`,
    file: ask.file,
    ...(mapped.stack ? { stack: mapped.stack } : {}),
    ...placed(mapped),
  };
}

function exitFault(ask: InspectRequest, code: number): PlainFault {
  const message =
    code === 13
      ? 'never finishes loading: an await at its top level is never settled'
      : `ends its thread at load (exit code ${code})`;
  return { code: 'PLUGIN_LOAD', message, file: ask.file, next: 'move what it does into `run`' };
}
