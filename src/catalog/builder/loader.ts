/**
 * The load process: loads one plugin, once, so that the builder sees what it says of itself, and is killed after that.
 * The process waits for its order without a loop of events, so a spare costs nothing, and it ends with its pipe.
 */
import { readSync, writeSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { putUpFence } from '../../fence/put-up.ts';
import { openTrials } from '../../fence/terms.ts';
import { descriptorGuards } from '../../kernel/descriptors.ts';
import { closeHandleClass } from '../../kernel/file-handles.ts';
import { GRANTABLE, LENT_FILES, LENT_ZOD_FILE } from '../../kernel/plugin-modules.ts';
import { namesOf } from '../../kernel/primordials.ts';
import { restrictModules } from '../../kernel/restrictions.ts';
import { type LoadFinding, type LoadOrder, SPARE } from './messages.ts';
import { GuardedModule, rawManifestOf, refusedLoad } from './raw-manifest.ts';

const PIPE = 3;
const HEAD_BYTES = 4;
/** The process has no `node:sqlite`: an import of it is given names, so that `run` may use them, and each of them throws. */
const SQLITE_AT_LOAD = `const no = () => { throw Object.assign(new Error('node:sqlite opens nothing at load'), { code: 'ERR_ACCESS_DENIED' }); };
class AtRun { constructor() { no(); } }
exports.DatabaseSync = AtRun; exports.StatementSync = AtRun; exports.Session = AtRun; exports.backup = no; exports.constants = {};`;

const [kind, builder, ...reads] = process.argv.slice(2);
// A spare has the time to load what most plugins import.
if (kind === SPARE) await import(LENT_ZOD_FILE.href);
const unfenced = shutIn(reads);
const handles = await closeHandleClass(fileURLToPath(LENT_ZOD_FILE));
const { key, bundle, code, settings } = readOrder();
const answer = createAnswer(key);
if (unfenced !== undefined) {
  answer({ is: 'unfenced', message: unfenced });
  process.exit();
}
const url = pathToFileURL(bundle).href;
/** Guarded modules that the plugin asked for. */
const guarded = namesOf([]);
const who = 'a plugin at load';
process.on('uncaughtException', (error: unknown) => {
  const { message, stack } = (error ?? {}) as Error;
  answer({ is: 'error', message: String(message ?? error), stack: String(stack ?? '') });
});
// Everything that follows runs code of the plugin.
restrictModules({
  who,
  // Modules are guarded as in a worker, so a plugin that no worker could load is refused here. Whether the grantable
  // module is granted is known later.
  checkGuarded(name) {
    guarded[name] = true;
    if (name !== GRANTABLE) throw new GuardedModule(name);
  },
  guards: [descriptorGuards(who, handles)],
  instead: { [GRANTABLE]: SQLITE_AT_LOAD },
  bundle: { url, code },
});

try {
  const { default: found } = (await import(url)) as { default?: unknown };
  const hasGrantable = () => guarded[GRANTABLE] === true;
  answer({ is: 'found', found: await rawManifestOf(found, { settings, hasGrantable }) });
} catch (thrown) {
  answer({ is: 'found', found: refusedLoad(thrown) });
}

/**
 * Lets this process read what Daruma lends and what the plugin names beside itself, and do nothing else: by the kernel, too. Returns
 * why no plugin may be loaded in it; undefined: a plugin may.
 */
function shutIn(reads: readonly string[]): string | undefined {
  // The zone is read from files that the fence closes.
  new Date().getTimezoneOffset();
  const read = [...LENT_FILES.map((file) => fileURLToPath(file)), ...reads];
  try {
    const { tried } = putUpFence({ read, write: [], ports: null, parent: Number(builder) });
    const open = openTrials(tried);
    return open.length > 0 ? `the fences of its load process do not hold (not refused: ${open.join(', ')})` : undefined;
  } catch (error) {
    return `its load process is not fenced: ${(error as Error).message}`;
  }
}

function readOrder(): LoadOrder {
  const length = readBytes(HEAD_BYTES).readUInt32BE();
  const [order] = JSON.parse(readBytes(length).toString()) as LoadOrder[];
  return order!;
}

function readBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const read = readSync(PIPE, bytes, at, length - at, null);
    if (read === 0) process.exit();
    at += read;
  }
  return bytes;
}

/**
 * Writes the one answer. The key goes through no method and no object that a plugin could have put its own into: only the
 * finding, which is the plugin's word anyway, becomes JSON by what may be the plugin's `toJSON`.
 */
function createAnswer(key: string): (finding: LoadFinding) => void {
  const { stringify } = JSON;
  const { byteLength, from } = Buffer;
  const { fromCharCode } = String;
  const write = writeSync;
  let isSaid = false;
  return (finding) => {
    if (isSaid) return;
    const said = stringify(finding);
    if (isSaid) return;
    isSaid = true;
    const text = `[{"key":"${key}","finding":${said}}]`;
    const length = byteLength(text);
    write(PIPE, fromCharCode(length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255), null, 'latin1');
    const bytes = from(text);
    for (let at = 0; at < length; ) at += write(PIPE, bytes, at, length - at);
  };
}
