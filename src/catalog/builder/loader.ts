/**
 * The load process: loads one plugin in a thread, once, so that the builder sees what the plugin says of itself, and is
 * killed after that. Its main thread runs no plugin code: it holds the pipe to the builder, watches over the memory, and
 * ends with the builder, whatever the plugin's thread does.
 */
import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { openFrameChannel } from '../../kernel/frames.ts';
import { MB } from '../../kernel/measures.ts';
import { entryFile } from '../../kernel/paths.ts';
import { LENT_ZOD_FILE } from '../../kernel/plugin-modules.ts';
import {
  LOAD_BOUNDS,
  LOAD_HEAP_MB,
  LOAD_RSS_MB,
  type LoadFinding,
  type LoadOrder,
  type ThreadTerms,
} from './messages.ts';

/** The thread's own bundle. */
const INSIDE = fileURLToPath(entryFile('catalog/builder/inside.js'));
/** All that the thread loads of Daruma. */
const OWN = [INSIDE, fileURLToPath(LENT_ZOD_FILE)];
const MEASURE_EVERY_MS = 50;

const pipe = new Socket({ fd: 3 });
const channel = openFrameChannel(pipe, { receive, broken: end }, LOAD_BOUNDS);
let begun = false;
pipe.on('close', end);

function receive(orders: unknown) {
  if (begun) return;
  begun = true;
  look((orders as LoadOrder[])[0]!);
}

function look({ key, bundle, reads, settings }: LoadOrder) {
  const nonce = randomUUID();
  const terms: ThreadTerms = { bundle, settings, nonce };
  // The kernel's fences are put up here, before the thread is there.
  const thread = new Worker(INSIDE, {
    name: 'load',
    workerData: terms,
    env: {},
    execArgv: [
      '--no-warnings',
      '--permission',
      '--no-experimental-sqlite',
      ...[bundle, ...OWN, ...reads].map((path) => `--allow-fs-read=${path}`),
    ],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: LOAD_HEAP_MB, maxYoungGenerationSizeMb: 16 },
  });
  thread.stdout.resume();
  thread.stderr.resume();
  const measuring = setInterval(() => {
    if (process.memoryUsage.rss() > LOAD_RSS_MB * MB) say({ is: 'memory' });
  }, MEASURE_EVERY_MS);
  thread.on('message', (text: unknown) => say(findingIn(text, nonce)));
  thread.on('messageerror', () => say({ is: 'forged' }));
  thread.on('error', (error: unknown) => say(errorFinding(error)));
  thread.on('exit', (code) => say({ is: 'exit', code }));

  /** The first finding counts; nothing that the plugin does later changes it. */
  let said = false;
  function say(finding: LoadFinding) {
    if (said) return;
    said = true;
    clearInterval(measuring);
    channel.send([{ key, finding }]);
  }
}

/** The thread's answer begins with the nonce that its own code took before the plugin was loaded. */
function findingIn(text: unknown, nonce: string): LoadFinding {
  if (typeof text !== 'string' || !text.startsWith(nonce)) return { is: 'forged' };
  return { is: 'found', found: JSON.parse(text.slice(nonce.length)) };
}

function errorFinding(error: unknown): LoadFinding {
  const { code, message, stack } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return { is: 'memory' };
  return { is: 'error', message: String(message ?? error), stack: String(stack ?? '') };
}

/** `process.exit` would wait for a thread that sits in native code; the signal does not. */
function end() {
  process.kill(process.pid, 'SIGKILL');
}
