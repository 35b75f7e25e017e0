/**
 * What a durable no-op job costs, by thread, beside the yardstick or beside another checkout of Daruma, in turns:
 *
 *   npm run build && npx tsx bench/job-costs.ts [jobs] [rounds] [--against other/checkout]
 *
 * Processor time says more than jobs a second on a machine that others share. Writes bench/results/job-costs.json, with
 * --against bench/results/job-costs-paired.json.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { compiled } from './compiled.ts';
import { machineFacts, median } from './machine.ts';
import type { ThreadCosts } from './thread-costs.ts';

const run = promisify(execFile);
const RESULTS = join(import.meta.dirname, 'results');
const HERE = join(import.meta.dirname, '..');

const { values, positionals } = parseArgs({ allowPositionals: true, options: { against: { type: 'string' } } });
const jobs = Number(positionals[0] ?? 60_000);
const rounds = Number(positionals[1] ?? 5);

interface Run {
  jobsPerSecond: number;
  load1: number;
  /** Microseconds of processor time a job. */
  cost: number;
  threads: ThreadCosts;
}

interface Side {
  once(): Promise<Run>;
  end(): void;
}

const FLAGS = ['--no-allocation-site-pretenuring'];

async function daruma(checkout: string): Promise<Side> {
  const { file, end } = await compiled('systems/daruma.ts', checkout);
  return { end, once: () => measure([...FLAGS, file, `${jobs}`, '500', '2']) };
}

const yardstick: Side = {
  end() {},
  once: () => measure([join(import.meta.dirname, 'systems/bare-sqlite.mjs'), `${jobs}`, '100']),
};

async function measure(args: string[]): Promise<Run> {
  const { load1 } = machineFacts();
  const { stdout } = await run(process.execPath, args, { timeout: 300_000 });
  const { jobsPerSecond, threads } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Run;
  const each = Object.fromEntries(Object.entries(threads).map(([kind, s]) => [kind, (s * 1e6) / jobs]));
  return { jobsPerSecond, load1, cost: Object.values(each).reduce((sum, one) => sum + one, 0), threads: each };
}

const { against } = values;
const sides: Record<string, Side> = against
  ? { before: await daruma(resolve(against)), now: await daruma(HERE) }
  : { 'bare node:sqlite': yardstick, Daruma: await daruma(HERE) };
const runs: Record<string, Run[]> = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  // Each goes first as often as the other.
  const order = Object.keys(sides);
  for (const name of round % 2 === 0 ? order : order.reverse()) {
    const one = await sides[name]!.once();
    runs[name]!.push(one);
    console.log(round + 1, name, `${Math.round(one.jobsPerSecond)}/s`, `${one.cost.toFixed(1)} µs a job`);
  }
}
for (const { end } of Object.values(sides)) end();

const kinds = [...new Set(Object.values(runs).flatMap((own) => own.flatMap(({ threads }) => Object.keys(threads))))];
const of = (name: string, value: (one: Run) => number) => Number(median(runs[name]!.map(value)).toFixed(2));
const table = [
  ['jobs a second', (one: Run) => one.jobsPerSecond] as const,
  ['µs of processor time a job', (one: Run) => one.cost] as const,
  ...kinds.map((kind) => [`  ${kind}`, (one: Run) => one.threads[kind] ?? 0] as const),
].map(([what, value]) => ({
  what,
  ...Object.fromEntries(Object.keys(sides).map((name) => [name, of(name, value)])),
}));
console.table(table);
mkdirSync(RESULTS, { recursive: true });
writeFileSync(
  join(RESULTS, against ? 'job-costs-paired.json' : 'job-costs.json'),
  `${JSON.stringify({ at: new Date().toISOString(), machine: machineFacts(), jobs, rounds, table, runs }, null, 2)}\n`,
);
