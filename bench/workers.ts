/**
 * Measures the workers room alone: cold start, warm latency and throughput of no-op jobs, host → cell → worker → back.
 * Prints the figures and writes `bench/results/workers.json`.
 *
 *   npm run build && npx tsx bench/workers.ts
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, stop } from 'esbuild';
import type { Agent } from '../src/jobs/agent.ts';
import type { Assignment } from '../src/jobs/model.ts';
import { planPlacement } from '../src/jobs/placement.ts';
import { silentLog } from '../src/kernel/log.ts';
import { machineTime } from '../src/kernel/time.ts';
import { createWorkers } from '../src/workers/workers.ts';

const ROUNDS = 5;
const COLD_STARTS = 10;
const WARM_JOBS = 500;
const JOBS = 200_000;

const folder = mkdtempSync(join(tmpdir(), 'daruma-bench-'));
const emptyFolder = join(folder, 'empty');
mkdirSync(emptyFolder);

const source = (withSettings: boolean) => `import { definePlugin, z } from 'daruma';
export default definePlugin({ about: 'No-op.', ${withSettings ? 'settings: z.strictObject({ n: z.number().default(1) }),' : ''}
  run({ job }) { return job.trigger === 'replay' ? Number(process.hrtime.bigint()) / 1e6 : undefined; } });`;

async function agentOf(name: string, text: string, max = 1): Promise<Agent> {
  const entry = join(folder, `${name}.ts`);
  const file = join(folder, `${name}.mjs`);
  writeFileSync(entry, text);
  const daruma = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  await build({
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    sourcemap: true,
    treeShaking: true,
    alias: { daruma },
  });
  return {
    name,
    about: 'No-op.',
    version: { plugin: name, id: name, file, mapFile: `${file}.map` },
    on: [],
    firstRun: false,
    settings: {},
    workers: { min: 0, max },
    isolation: 'shared',
    fingerprint: name,
    limits: {
      memoryBytes: 128 * 2 ** 20,
      timeoutMs: 60_000,
      silenceMs: 60_000,
      graceMs: 1_000,
      attempts: 1,
      backoff: { first: 1, longest: 1 },
    },
    needs: { secrets: [], env: [], net: [], read: [], write: [], exec: [], modules: [], fleet: false, llm: false },
  };
}

let lastJob = 0;
let onEnd: (ends: { outcome: { job: string; result?: unknown } }[]) => void = () => {};
let onRoom: () => void = () => {};
const workers = createWorkers(
  {
    time: machineTime,
    log: silentLog,
    events: {
      ended: (ends) => onEnd(ends as never),
      released: (refs) => {
        returned += refs.length;
      },
      capacityChanged: () => onRoom(),
    },
    answer: async () => undefined,
    secrets: async () => ({}),
    lines() {},
    gone() {},
  },
  { folder, emptyFolder },
);
let returned = 0;

const job = (agent: string, trigger: Assignment['trigger'] = 'manual'): Assignment => ({
  job: `01J${++lastJob}`,
  agent,
  attempt: 1,
  attempts: 1,
  trigger,
  slot: null,
  input: null,
  queuedAt: 0,
  runAt: 0,
});

/** Gives one job; resolves with the ms until `run` was entered, and until the outcome was known. */
function one(agent: string): Promise<{ entered: number; done: number }> {
  return new Promise((resolve) => {
    const given = job(agent, 'replay');
    const began = Number(process.hrtime.bigint()) / 1e6;
    onEnd = ([end]) => {
      const done = Number(process.hrtime.bigint()) / 1e6 - began;
      resolve({ entered: Number((end!.outcome as { result: string }).result) - began, done });
    };
    workers.dispatch(agent, [given]);
  });
}

/** Jobs a second, as a dispatcher would do it: as many as there is room for, at every end. */
function throughput(agent: string, jobs: number): Promise<number> {
  return new Promise((resolve) => {
    let given = 0;
    let ended = 0;
    const before = returned;
    const began = performance.now();
    const fill = () => {
      const missing = jobs - given + (returned - before);
      const free = Math.min(workers.capacity(agent), missing);
      if (free <= 0) return;
      given += free;
      workers.dispatch(
        agent,
        Array.from({ length: free }, () => job(agent)),
      );
    };
    onEnd = (ends) => {
      ended += ends.length;
      if (ended === jobs) resolve((jobs / (performance.now() - began)) * 1_000);
      if (ended > jobs) throw new Error(`${ended} ends of ${jobs} jobs`);
    };
    onRoom = fill;
    fill();
  });
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
const p99 = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!;
const round = (value: number) => Math.round(value * 100) / 100;

await workers.start();
const agents: Agent[] = [];
for (let i = 0; i < COLD_STARTS; i++)
  agents.push(await agentOf(`cold-${i}`, source(false)), await agentOf(`zod-${i}`, source(true)));
agents.push(await agentOf('noop', source(false)), await agentOf('noop2', source(false), 2));
await stop();
workers.use(agents.map((agent) => planPlacement({ agent })));

const firstEver = await one('cold-0');
const cold: number[] = [];
const zod: number[] = [];
for (let i = 1; i < COLD_STARTS; i++) {
  cold.push((await one(`cold-${i}`)).entered);
  zod.push((await one(`zod-${i}`)).entered);
}
const entered: number[] = [];
const done: number[] = [];
await one('noop');
for (let i = 0; i < WARM_JOBS; i++) {
  const took = await one('noop');
  entered.push(took.entered);
  done.push(took.done);
}
const rates: number[] = [];
const rates2: number[] = [];
await throughput('noop', JOBS / 4);
for (let i = 0; i < ROUNDS; i++) rates.push(await throughput('noop', JOBS));
await throughput('noop2', JOBS / 4);
for (let i = 0; i < ROUNDS; i++) rates2.push(await throughput('noop2', JOBS));

const results = {
  at: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  firstJobOfHostMs: round(firstEver.entered),
  coldStartMs: round(median(cold)),
  coldStartWithZodMs: round(median(zod)),
  warmEnteredMs: { p50: round(median(entered)), p99: round(p99(entered)) },
  warmDoneMs: { p50: round(median(done)), p99: round(p99(done)) },
  jobsPerSecond: Math.round(median(rates)),
  jobsPerSecondTwoWorkers: Math.round(median(rates2)),
  hostMemoryMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
};
console.log(results);
mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
writeFileSync(new URL('./results/workers.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
await workers.stop();
rmSync(folder, { recursive: true, force: true });
