import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallLedger } from '../../../src/gateway/models/calls.ts';
import { createModels, type Models } from '../../../src/gateway/models/models.ts';
import type { LlmAccess } from '../../../src/gateway/models/ports.ts';
import { createOrigins } from '../../../src/gateway/origins/origins.ts';
import type { OriginSettings } from '../../../src/gateway/origins/terms.ts';
import type { PlainFault } from '../../../src/kernel/fault.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { Rung } from '../../../src/kernel/rung.ts';
import { machineTime } from '../../../src/kernel/time.ts';
import type { ModelServer } from './servers/model-server.ts';
import { ollamaServer } from './servers/ollama-server.ts';
import { cerebrasServer, groqServer } from './servers/openai-shape.ts';

/** A real gateway process in front of the three local servers, with what it told its host. */
export interface RunningGateway {
  models: Models;
  groq: ModelServer;
  cerebras: ModelServer;
  ollama: ModelServer;
  servers: ModelServer[];
  events: string[];
  lines: string[];
  refused: { job: string; fault: PlainFault }[];
  ledger: { begun: number; ended: unknown[]; lost: number };
  remembered: Map<string, string>;
  keys: Record<string, string>;
  access: LlmAccess;
  /** Attempts that the worker holds, as `job.attempt`; every attempt by default. */
  held: Set<string> | undefined;
  folder: string;
  /** Resolves when it holds, looked at after each message of the gateway and every 20 ms. */
  until(holds: () => boolean): Promise<void>;
  ask(body: object, more?: AskMore): Promise<Response>;
  stop(): Promise<void>;
}

interface AskMore {
  path?: string;
  key?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export const CANARY = 'gsk-canary-2c1f9a77e0b14d3c';

interface Options {
  rungs?: (rungs: Rung[]) => Rung[];
  origins?: OriginSettings;
  keys?: Record<string, string>;
  ledger?: Partial<CallLedger>;
}

export async function startGateway(options: Options = {}): Promise<RunningGateway> {
  const servers = await Promise.all([groqServer(), cerebrasServer(), ollamaServer()]);
  const [groq, cerebras, ollama] = servers as [ModelServer, ModelServer, ModelServer];
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-models-')));
  cerebras.models.push('text-embedding-1');
  ollama.models.push('nomic-embed-text');
  const plain = { embeddings: [], timeoutMs: 1_000, idleMs: 600, free: false, context: null };
  const all: Rung[] = [
    { ...plain, name: 'groq', url: groq.url, kind: 'openai', models: ['openai/gpt-oss-120b', 'openai/gpt-oss-20b'] },
    {
      ...plain,
      name: 'cerebras',
      url: cerebras.url,
      kind: 'openai',
      models: ['gpt-oss-120b'],
      embeddings: ['text-embedding-1'],
    },
    {
      ...plain,
      name: 'ollama',
      url: ollama.url,
      kind: 'ollama',
      models: ['gpt-oss:20b'],
      embeddings: ['nomic-embed-text'],
      free: true,
    },
  ];
  const rungs = options.rungs?.(all) ?? all;
  const running = {
    ...{ groq, cerebras, ollama, servers, folder },
    events: [] as string[],
    lines: [] as string[],
    refused: [] as { job: string; fault: PlainFault }[],
    ledger: { begun: 0, ended: [] as unknown[], lost: 0 },
    remembered: new Map<string, string>(),
    keys: options.keys ?? { groq: CANARY, cerebras: `${CANARY}-2` },
    held: undefined as Set<string> | undefined,
  };
  const add = (line: string, data?: unknown) => void running.lines.push(`${line} ${JSON.stringify(data ?? {})}`);
  const ledger: CallLedger = {
    async begin({ rungs: asked }) {
      running.ledger.begun += 1;
      return { is: 'go', go: asked.map(({ name }) => ({ name, money: 0 })), skipped: [] };
    },
    end(_id, tries) {
      running.ledger.ended.push(tries);
      return { money: 0.25 };
    },
    lost() {
      running.ledger.lost += 1;
    },
    ...options.ledger,
  };
  const models = createModels({
    time: machineTime,
    log: { ...silentLog, debug: add, info: add, warn: add, error: add },
    record: (_level, { kind, message }) => void running.events.push(`${kind}: ${message}`),
    ...{ enabled: true, rungs, folder, parent: process.pid, ledger, pingMs: 300 },
    keys() {
      const off: Record<string, string> = {};
      for (const { name } of rungs)
        if (name !== 'ollama' && !(name in running.keys)) off[name] = `${name.toUpperCase()}_API_KEY is not set`;
      return { keys: running.keys, off };
    },
    origins: createOrigins({
      ...{ time: machineTime, log: silentLog, changed: () => {} },
      settings: () => options.origins ?? { '*': { failures: 1_000, rate: 1, calls: 10_000 } },
    }),
    remembered: {
      load: async () => Object.fromEntries(running.remembered),
      keep: (rung, model) => void running.remembered.set(rung, model),
    },
    holds: (_worker, { job, attempt }) => running.held?.has(`${job}.${attempt}`) ?? true,
    refused: ({ job }, _agent, fault) => void running.refused.push({ job, fault }),
    answered: () => {},
    listens: () => {},
    provenAt: () => null,
  });
  async function until(holds: () => boolean) {
    const end = performance.now() + 20_000;
    while (!holds()) {
      if (performance.now() > end) throw new Error('it never came to hold');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  await models.start();
  models.want();
  await until(() => models.view() !== null);
  const access = models.open('w1', 'shop');
  // The lists of models are there: what is asked from now on is asked of resolved models.
  await until(() => models.chain().every(({ state, model }) => state === 'off' || model !== null));
  return Object.assign(running, {
    ...{ models, access, until },
    ask: (body: object, { path = '/chat/completions', key = `dk-${access.key}.17.1`, headers, signal }: AskMore = {}) =>
      fetch(`${access.baseURL}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: signal ?? null,
      }),
    async stop() {
      await models.stop();
      await Promise.all(servers.map((server) => server.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
