/**
 * A hundred agents, each every second, in pairs of runs: alone, and beside an agent with 100,000 queued jobs; how late `run` was
 * entered. With `--against` each pair is of two compiled hosts instead, this one and another, both beside that load.
 *
 *   npm run build && npx tsx bench/fairness.ts [seconds] [rounds] [--load quiet|backlog|core] [--against other/dist/main.js]
 *
 * Writes bench/results/fairness.json, with --against bench/results/fairness-<load>.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLog } from '../src/kernel/log.ts';
import { machineTime } from '../src/kernel/time.ts';
import { createSqliteStore } from '../src/store/sqlite/store.ts';
import { machineFacts } from './machine.ts';
import { measureSlots, type SlotLateness } from './slot-lateness.ts';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RESULTS = join(import.meta.dirname, 'results');
const AGENTS = 100;
const QUEUED = 100_000;
const AT_ONCE = 5_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { load: { type: 'string', default: 'backlog' }, against: { type: 'string' } },
});
const seconds = Number(positionals[0] ?? 20);
const rounds = Number(positionals[1] ?? 3);

const MANY = `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Has a long queue.',
  workers: { min: 1, max: 1 },
  async run() { await new Promise((done) => setTimeout(done, 1)); },
});
`;
const BURNS = `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Burns a core.',
  schedule: '* * * * * *', overlap: 'skip',
  workers: { min: 1, max: 1 },
  async run() { for (const end = performance.now() + 30_000; performance.now() < end; ); },
});
`;

/** Jobs of a millisecond each: more than are done in the time of a run. */
async function backlog(folder: string): Promise<void> {
  writeFileSync(join(folder, 'plugins/many.ts'), MANY);
  writeFileSync(join(folder, 'agents/many.yaml'), 'plugin: many\n');
  mkdirSync(join(folder, 'data'), { recursive: true });
  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file: join(folder, 'data/daruma.db') });
  await store.start();
  const job = { agent: 'many', trigger: 'manual' as const, input: null, attempts: 3 };
  for (let i = 0; i < QUEUED; i += AT_ONCE) await store.add(new Array(AT_ONCE).fill(job));
  await store.stop();
}

const LOADS: Record<string, (folder: string) => void | Promise<void>> = {
  quiet() {},
  backlog,
  core: (folder) => writeFileSync(join(folder, 'plugins/burns.ts'), BURNS),
};

type Run = SlotLateness & { queuedAtEnd?: number };

async function measure(main: string, load: string): Promise<Run> {
  let queuedAtEnd: number | undefined;
  const found = await measureSlots({
    ...{ main, agents: AGENTS, seconds, load: LOADS[load]! },
    async after(ask) {
      if (load === 'backlog') queuedAtEnd = (await ask('many'))?.queued;
    },
  });
  return { ...found, ...(queuedAtEnd === undefined ? {} : { queuedAtEnd }) };
}

function medianOf(runs: readonly Run[], key: 'p50Ms' | 'p99Ms'): number {
  const sorted = runs.map((run) => run[key] ?? Number.NaN).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

const { load, against } = values;
const sides: Record<string, () => Promise<Run>> = against
  ? { before: () => measure(against, load), now: () => measure(MAIN, load) }
  : { alone: () => measure(MAIN, 'quiet'), [load]: () => measure(MAIN, load) };
const runs: Record<string, Run[]> = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  // Each goes first as often as the other.
  const order = Object.keys(sides);
  for (const name of round % 2 === 0 ? order : order.reverse()) {
    const run = await sides[name]!();
    runs[name]!.push(run);
    console.log(round + 1, name, run);
  }
}
const medians = Object.fromEntries(
  Object.entries(runs).map(([name, own]) => [name, { p50Ms: medianOf(own, 'p50Ms'), p99Ms: medianOf(own, 'p99Ms') }]),
);
console.log(medians);
mkdirSync(RESULTS, { recursive: true });
const facts = { at: new Date().toISOString(), machine: machineFacts(), agents: AGENTS, seconds, rounds, load };
const file = join(RESULTS, against ? `fairness-${load}.json` : 'fairness.json');
writeFileSync(file, `${JSON.stringify({ ...facts, medians, runs }, null, 2)}\n`);
