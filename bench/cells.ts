/**
 * Measures what a cell for each agent with rights costs: 20 agents, each with a secret, started one after the other (on
 * demand, and from a spare cell) and all at once, and the private memory of each cell with its warm worker, right after its
 * first job and when it has become idle; and the start of a worker in a cell that agents without rights share. Beside them
 * a bare Node process. Prints the figures and writes `bench/results/cells.json`.
 *
 *   npm run build && npx tsx bench/cells.ts [rounds]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, stop } from 'esbuild';
import type { Agent } from '../src/jobs/agent.ts';
import type { Assignment } from '../src/jobs/model.ts';
import { planPlacement } from '../src/jobs/placement.ts';
import { silentLog } from '../src/kernel/log.ts';
import { machineTime } from '../src/kernel/time.ts';
import type { Workers } from '../src/workers/ports.ts';
import { createWorkers } from '../src/workers/workers.ts';

const AGENTS = 20;
const [ROUNDS = 5] = process.argv.slice(2).map(Number);
const now = () => Number(process.hrtime.bigint()) / 1e6;
const folder = mkdtempSync(join(tmpdir(), 'daruma-bench-'));
const emptyFolder = join(folder, 'empty');
mkdirSync(emptyFolder);

const entry = join(folder, 'plugin.ts');
const file = join(folder, 'plugin.mjs');
writeFileSync(
  entry,
  `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'No-op.', run: () => Number(process.hrtime.bigint()) / 1e6 });`,
);
const daruma = fileURLToPath(new URL('../src/index.ts', import.meta.url));
await build({
  ...{ entryPoints: [entry], outfile: file, bundle: true, format: 'esm', platform: 'node', sourcemap: true },
  alias: { daruma },
});
await stop();

/** Cells and their workers are collected when they have been idle for 8 s. */
const IDLE_MS = 10_000;

const agents: Agent[] = Array.from({ length: AGENTS }, (_, index) => ({
  name: `a${index}`,
  about: 'No-op.',
  version: { plugin: 'plugin', id: 'plugin', file, mapFile: `${file}.map` },
  ...{ on: [], firstRun: false, settings: {}, workers: { min: 0, max: 1 }, isolation: 'shared' as const },
  fingerprint: `a${index}`,
  limits: {
    ...{ memoryBytes: 128 * 2 ** 20, timeoutMs: 60_000, silenceMs: 60_000, graceMs: 1_000, attempts: 1 },
    backoff: { first: 1, longest: 1 },
  },
  needs: { secrets: ['TOKEN'], env: [], net: [], read: [], write: [], exec: [], modules: [], fleet: false, llm: false },
}));

/** The same without a secret: they share a cell. */
const agentsWithoutRights = agents.map((agent) => ({ ...agent, needs: { ...agent.needs, secrets: [] } }));

let lastJob = 0;
const waiting = new Map<string, (entered: number) => void>();

function openWorkers(of: Agent[]): Workers {
  const workers = createWorkers(
    {
      time: machineTime,
      log: silentLog,
      events: {
        ended(ends) {
          for (const { outcome } of ends) waiting.get(outcome.job)?.(Number((outcome as { result: string }).result));
        },
        released() {},
        capacityChanged() {},
      },
      answer: async () => undefined,
      secrets: async () => ({ TOKEN: 'secret' }),
      lines() {},
      gone() {},
    },
    { folder, emptyFolder, idleMs: 600_000 },
  );
  workers.use(of.map((agent) => planPlacement({ agent })));
  return workers;
}

/** The ms from handing a job over until `run` was entered. */
function start(workers: Workers, agent: string): Promise<number> {
  const job = `01J${++lastJob}`;
  const given: Assignment = {
    ...{ job, agent, attempt: 1, attempts: 1, trigger: 'manual', slot: null, input: null, queuedAt: 0, runAt: 0 },
  };
  const began = now();
  return new Promise((resolve) => {
    waiting.set(job, (entered) => resolve(entered - began));
    workers.dispatch(agent, [given]);
  });
}

const hasSpare = (workers: Workers) => workers.view().cells.some(({ is, pid }) => is === 'spare' && isReady(pid));

/** A spare cell that waits for its host sleeps in epoll. */
function isReady(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/wchan`, 'utf8').includes('epoll');
  } catch {
    return false;
  }
}

function privateMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kb = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)].reduce((sum, [, size]) => sum + Number(size), 0);
  return kb / 1024;
}

async function bareNode(): Promise<number> {
  const began = now();
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("x")'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  return now() - began;
}

const bare: number[] = [];
const demand: number[] = [];
const spare: number[] = [];
const atOnce: number[] = [];
const lastOfAll: number[] = [];
const inShared: number[] = [];
const afterFirstJob: number[] = [];
const whenIdle: number[] = [];
const levels = new Set<string>();

for (let round = 0; round < ROUNDS; round++) {
  const workers = openWorkers(agents);
  await workers.start();
  for (const [index, { name }] of agents.entries()) {
    bare.push(await bareNode());
    // Every other one waits for a spare cell; the one after it comes before there is another.
    if (index % 2 === 0) while (!hasSpare(workers)) await machineTime.sleep(20);
    const isSpare = hasSpare(workers);
    (isSpare ? spare : demand).push(await start(workers, name));
  }
  const cells = workers.view().cells.filter(({ is }) => is === 'own');
  for (const { fence } of cells) if (fence) levels.add(fence.fence);
  afterFirstJob.push(...cells.map(({ pid }) => privateMb(pid)));
  await machineTime.sleep(IDLE_MS);
  whenIdle.push(...cells.map(({ pid }) => privateMb(pid)));
  await workers.stop();
  const sharing = openWorkers(agentsWithoutRights);
  await sharing.start();
  // The first opens the cell.
  for (const [index, { name }] of agentsWithoutRights.entries()) {
    const ms = await start(sharing, name);
    if (index > 0) inShared.push(ms);
  }
  await sharing.stop();
  const together = openWorkers(agents);
  await together.start();
  const all = await Promise.all(agents.map(({ name }) => start(together, name)));
  atOnce.push(...all);
  lastOfAll.push(Math.max(...all));
  await together.stop();
}

const sorted = (values: number[]) => values.toSorted((one, other) => one - other);
const figures = (values: number[]) => {
  const list = sorted(values).map((value) => Math.round(value * 10) / 10);
  return { least: list[0], median: list[list.length >> 1], most: list.at(-1), of: list.length };
};
const results = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load: loadavg() },
  fences: [...levels],
  ms: {
    bareNode: figures(bare),
    onDemand: figures(demand),
    fromSpare: figures(spare),
    inSharedCell: figures(inShared),
    atOnce: figures(atOnce),
    lastOf20AtOnce: figures(lastOfAll),
  },
  privateMb: { afterFirstJob: figures(afterFirstJob), whenIdle: figures(whenIdle) },
};
console.log(JSON.stringify(results, null, 2));
const out = fileURLToPath(new URL('results/cells.json', import.meta.url));
writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`);
rmSync(folder, { recursive: true });
