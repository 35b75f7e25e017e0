import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FleetReport, Json, PluginDefinition } from 'daruma';
import { build } from 'esbuild';
import { copyStore } from '../../src/store/sqlite/inside/copy.ts';
import { partsWith, proveHere, tempFolder } from './context.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs in the thread: a context of plain data, everything else as a worker has it. */
const BOOT = `
import { parentPort, workerData } from 'node:worker_threads';
const { default: plugin } = await import(workerData.bundle);
const { report, parts, input, slot, settings, folder } = workerData;
const sent = [];
const nothing = () => {};
const backUp = (to) => new Promise((resolve) => {
  parentPort.once('message', resolve);
  parentPort.postMessage({ backUp: to });
});
const proveBackup = (file) => new Promise((resolve) => {
  parentPort.once('message', resolve);
  parentPort.postMessage({ proveBackup: file });
});
const context = {
  settings: plugin.settings.parse(settings), secrets: {}, agent: 'tested', folder,
  job: { id: 'job-1', attempt: 1, slot, trigger: 'manual', input },
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  signal: new AbortController().signal, beat: nothing, summary: nothing, fetch,
  once: (key, effect) => effect(),
  state: { get: async () => undefined, set: async () => {} },
  send: async (agent, message, options) => { sent.push({ agent, message, options }); return 'sent'; },
  fleet: { report: async () => report, backUp, proveBackup, parts: async () => parts },
};
try {
  const result = await plugin.run(context);
  parentPort.postMessage({ result, sent });
} catch (error) {
  parentPort.postMessage({ error: error.message });
}`;

export interface Terms {
  folder: string;
  settings?: unknown;
  input?: Json;
  slot?: string;
  report?: FleetReport;
  storeFile?: string;
}

/** Compiles the plugin as Daruma does and runs one job of it in a thread that holds no more rights than it needs. */
export async function runRestricted(name: string, plugin: PluginDefinition, terms: Terms) {
  const code = tempFolder();
  const bundle = join(code, 'plugin.mjs');
  await build({
    entryPoints: [join(root, 'plugins', `${name}.ts`)],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    alias: { daruma: join(root, 'src/index.ts') },
  });
  const boot = join(code, 'boot.mjs');
  writeFileSync(boot, BOOT);
  const within = (path: string) => resolve(terms.folder, path);
  const writable = (plugin.needs?.write ?? []).map(within);
  for (const folder of writable) await mkdir(folder, { recursive: true });
  const readable = [code, ...(plugin.needs?.read ?? []).map(within), ...writable];
  const execArgv = [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path === '/' ? '*' : path}`),
    ...writable.map((path) => `--allow-fs-write=${path}`),
    ...(plugin.needs?.net ? ['--allow-net'] : []),
  ];
  const parts = partsWith(terms.folder, terms.storeFile);
  const workerData = { settings: {}, input: null, slot: null, ...terms, parts, bundle };
  const worker = new Worker(boot, { env: {}, execArgv, workerData });
  try {
    return await new Promise<{ result?: unknown; error?: string; sent?: { agent: string }[] }>((done, fail) => {
      worker.once('error', fail).on('message', (said) => {
        if (said.proveBackup !== undefined)
          return void proveHere(said.proveBackup).then((proof) => worker.postMessage(proof), fail);
        if (said.backUp === undefined) return done(said);
        copyStore(terms.storeFile!, said.backUp).then((copy) => worker.postMessage(copy), fail);
      });
    });
  } finally {
    await worker.terminate();
  }
}
