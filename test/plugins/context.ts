import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  type BackupProof,
  type Context,
  EffectUnknown,
  type Fleet,
  type FleetParts,
  type FleetReport,
  type Json,
  type PluginDefinition,
  type z,
} from 'daruma';
import { onTestFinished } from 'vitest';
import { unpackAndProve } from '../../src/host/backup/archive.ts';
import { copyStore } from '../../src/store/sqlite/inside/copy.ts';
import { deniedLlm } from '../../src/workers/inside/denied-llm.ts';
import { reportOf } from './fleet-sample.ts';

/** What is different from a first attempt, asked for by hand, without settings, in a fresh folder. */
export interface World {
  settings?: unknown;
  input?: Json;
  secrets?: Record<string, string>;
  /** What earlier jobs left in `state`. */
  states?: Map<string, unknown>;
  folder?: string;
  job?: string;
  slot?: string;
  /** A function gets the begin of the period. */
  report?: FleetReport | ((from: string) => FleetReport);
  storeFile?: string;
  parts?: Partial<FleetParts>;
  /** Default: the archive is unpacked. */
  prove?: (file: string, secrets?: Record<string, string>) => Promise<BackupProof>;
  /** Fields of the proof of a backup that are not as they were found. */
  proof?: Partial<BackupProof>;
  health?: Awaited<ReturnType<Fleet['health']>>;
  signal?: AbortSignal;
  /** Called at each beat. */
  onBeat?: (note: string | undefined) => void;
  exec?: Context['exec'];
  kill?: Context['kill'];
  llm?: Context['llm'];
  /** What a command prints; undefined for one that is not there. */
  commands?: (words: string[]) => string | undefined;
  /** Agents that cannot be sent to. */
  unknownAgents?: string[];
  /** Effects of earlier attempts: their stored results, or `begun` when their end was never recorded. */
  effects?: Map<string, { result: unknown } | 'begun'>;
}

/** What a plugin did, beside its result. */
export interface Traces {
  folder: string;
  beats: (string | undefined)[];
  warnings: string[];
  sent: { agent: string; input: unknown; key: string | undefined }[];
  summary: string | null;
  /** The periods that reports were asked for. */
  periods: unknown[];
}

/** A folder that is gone after the test. */
export function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-plugin-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The parts of an installation that has a store and nothing else. */
export function partsWith(folder: string, storeFile?: string): FleetParts {
  const path = storeFile?.startsWith(`${folder}/`) ? relative(folder, storeFile) : 'data/daruma.db';
  const store = { path, bytes: storeFile === undefined ? 0 : statSync(storeFile).size };
  return { version: '0.1.0', store, versions: [], sources: [], secrets: [], lacks: [] };
}

/** As the host does it, but for the start of what was unpacked, which test/host/backup.test.ts has. */
export async function proveHere(file: string, secrets: Record<string, string> = {}) {
  const value = secrets.BACKUP_PASSPHRASE;
  const { jobs, entries, bytes, storeHash } = await unpackAndProve(file, tempFolder(), () =>
    value === undefined ? { is: 'missing', why: 'this world has none' } : { is: 'found', value, where: 'the test' },
  );
  return { jobs, entries, bytes, storeHash, agents: ['shop'] };
}

/** Models that answer each call with the object, or fail with the error. What they were asked is kept. */
export function llmSaying(answer: object): Context['llm'] & { asked: unknown[] } {
  const asked: unknown[] = [];
  const chat = async (messages: unknown, options: { schema: z.ZodType }) => {
    asked.push(messages);
    if (answer instanceof Error) throw answer;
    return { object: options.schema.parse(answer), rung: 'own', model: 'small' };
  };
  return { ...{ baseURL: '', apiKey: '', model: 'auto' }, asked, chat: chat as unknown as Context['llm']['chat'] };
}

/** A context of which everything is real but the host: sends are recorded, effects and states are kept in memory. */
export function contextFor<
  Schema extends z.ZodType,
  Input extends z.ZodType,
  Secret extends string,
  Body extends z.ZodType,
  Topic extends string,
>(plugin: PluginDefinition<Schema, Input, Secret, Body, Topic>, world: World = {}) {
  type Given = Parameters<typeof plugin.run>[0];
  const folder = world.folder ?? tempFolder();
  const traces: Traces = { folder, beats: [], warnings: [], sent: [], summary: null, periods: [] };
  const effects = world.effects ?? new Map();
  const states = world.states ?? new Map<string, unknown>();
  const signal = world.signal ?? new AbortController().signal;
  const quiet = () => {};
  const input = world.input ?? null;
  const context: Given = {
    dryRun: false,
    llm: world.llm ?? deniedLlm('tested'),
    settings: plugin.settings!.parse(world.settings ?? {}),
    secrets: onlyThese(world.secrets ?? {}) as Given['secrets'],
    count: quiet,
    gauge: quiet,
    time: ((_name: string, what: unknown) => (typeof what === 'function' ? what() : undefined)) as Context['time'],
    agent: 'tested',
    folder,
    job: {
      id: world.job ?? 'job-1',
      attempt: 1,
      slot: world.slot ?? null,
      trigger: 'manual',
      // A job that does not fit reaches no plugin.
      input: (plugin.input && world.input !== undefined ? plugin.input.parse(input) : input) as Given['job']['input'],
    },
    log: { debug: quiet, info: quiet, error: quiet, warn: (message) => void traces.warnings.push(message) },
    signal,
    beat(note) {
      traces.beats.push(note);
      world.onBeat?.(note);
    },
    async once(key, effect, options) {
      const known = effects.get(key);
      if (known === 'begun' && options?.ifUnknown === 'skip') return undefined as never;
      if (known === 'begun' && options?.ifUnknown !== 'repeat') throw new EffectUnknown(key);
      if (known && known !== 'begun') return known.result as never;
      effects.set(key, 'begun');
      try {
        const result = await effect();
        effects.set(key, { result });
        return result;
      } catch (error) {
        // A throw is an effect that was not done.
        effects.delete(key);
        throw error;
      }
    },
    state: {
      get: async (key) => states.get(key) as never,
      set: async (key, value) => void states.set(key, value),
      delete: async (key) => void states.delete(key),
      keys: async () => [...states.keys()],
    },
    send: (async (agent, input, options) => {
      if (world.unknownAgents?.includes(agent)) throw new Error(`no agent ${agent}`);
      traces.sent.push({ agent, input, key: options?.key });
      return `sent-${traces.sent.length}`;
    }) as Context['send'],
    emit: async () => 0,
    fetch: (input, init) => fetch(input, { signal, ...init }),
    async exec(command, args = [], options = {}) {
      if (world.exec) return world.exec(command, args, options);
      const stdout = world.commands?.([command, ...args]);
      if (stdout === undefined) throw new Error(`this world has no ${command}`);
      return { code: 0, signal: null, stdout, stderr: '', truncated: false, tookMs: 1 };
    },
    async kill(targets, signal = 'SIGTERM') {
      if (world.kill) return world.kill(targets, signal);
      throw new Error('this world has no processes');
    },
    summary: (markdown) => {
      traces.summary = markdown;
    },
    fleet: {
      async report(period) {
        traces.periods.push(period);
        if (typeof world.report === 'function') return world.report(String(period?.from));
        return world.report ?? reportOf();
      },
      health: async () => world.health ?? { asked: 'control socket', ok: true, tookMs: 3, detail: 'version 0.1.0' },
      async backUp(to) {
        if (!world.storeFile) throw new Error('this world has no store');
        return copyStore(world.storeFile, to);
      },
      proveBackup: async (file) => ({ ...(await (world.prove ?? proveHere)(file, world.secrets)), ...world.proof }),
      parts: async () => ({ ...partsWith(folder, world.storeFile), ...world.parts }),
      evidence: async () => ({ ask: false, why: 'this world has no incidents' }),
      diagnosed: async () => ({ outcome: null }),
    },
  };
  return { context, traces };
}

/** Runs one job of the plugin in its world. */
export async function runPlugin<
  Schema extends z.ZodType,
  Input extends z.ZodType,
  Secret extends string,
  Body extends z.ZodType,
  Topic extends string,
>(plugin: PluginDefinition<Schema, Input, Secret, Body, Topic>, world: World = {}) {
  const { context, traces } = contextFor(plugin, world);
  // What a result is must survive JSON: it crosses threads and is stored.
  const result = JSON.parse(JSON.stringify((await plugin.run(context)) ?? null));
  return { result, ...traces };
}

/** Reading a secret that the agent does not have throws, as it does in a worker. */
function onlyThese(secrets: Record<string, string>): Record<string, string> {
  return new Proxy(secrets, {
    get(target, name) {
      if (name in target) return target[name as string];
      throw new Error(`${String(name)} is not in needs.secrets of agent tested`);
    },
  });
}
