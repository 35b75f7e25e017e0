/**
 * Does one kind of harm to a real installation, round after round, and compares what it promised with what is there. Prints
 * tables, writes `bench/results/fuzz-<fault>.json`, and ends with 1 when a promise is broken; the folder is kept then.
 *
 *   npm run build && npm run fuzz:crash -- [--rounds 300] [--seconds 470]     kills under load
 *                    npm run fuzz:clocks -- [--times 20] [--expressions 20]   clocks that are set, changes of season
 *                    npm run fuzz:disk -- [--seeds 1000] [--most 300]         damaged logs, failed system calls
 *                    npm run fuzz:full -- [--rounds 50]                       a disk that fills up
 *                    npm run fuzz:slow -- [--rounds 20] [--seconds 10]        flushes that take long
 *                    npm run fuzz:hooks -- [--deliveries 1000] [--kills 60]   kills of host and web process under signed deliveries
 *                    npm run fuzz:channels -- [--posts 200] [--kills 60]      kills of host and cells while all channels post
 *                    npm run fuzz:messages -- [--messages 100000]              mutated messages at each hop between processes and threads
 *
 * Each of them takes [--seed N] [--main dist/main.js] [--result file] [--keep], too.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Broken } from './check.ts';
import type { Fault } from './fault.ts';
import { channels } from './faults/channels.ts';
import { clocks } from './faults/clocks.ts';
import { crash } from './faults/crash.ts';
import { disk } from './faults/disk.ts';
import { fullDisk } from './faults/full-disk.ts';
import { hooks } from './faults/hooks.ts';
import { messages } from './faults/messages.ts';
import { slowDisk } from './faults/slow-disk.ts';

const ROOT = join(import.meta.dirname, '../..');
const FAULTS: readonly Fault[] = [crash, clocks, disk, fullDisk, slowDisk, messages, hooks, channels];

const [wanted, ...args] = process.argv.slice(2);
const fault = FAULTS.find(({ name }) => name === wanted);
if (!fault) throw new Error(`There is no fault ${wanted}: ${FAULTS.map(({ name }) => name).join(', ')}.`);
const text = (value: string) => ({ type: 'string', default: value }) as const;
const { values } = parseArgs({
  args,
  options: {
    ...Object.fromEntries(Object.entries(fault.counts).map(([name, count]) => [name, text(`${count}`)])),
    seed: text(`${Date.now() % 1_000_000}`),
    main: text(join(ROOT, 'dist/main.js')),
    result: text(join(ROOT, `bench/results/fuzz-${fault.name}.json`)),
    keep: { type: 'boolean', default: false },
  },
});
const missing = fault.missing?.() ?? null;
if (missing !== null) console.log(`NOT TRIED: ${missing}`);
else process.exitCode = (await tried(fault)) ? 0 : 1;

/** False when a promise was broken. */
async function tried({ name, counts, run }: Fault): Promise<boolean> {
  const seed = Number(values.seed);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `daruma-${name}-`)));
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, SQLite ${process.versions.sqlite}`;
  // Asked before the rounds, in which somebody may commit.
  const about = { machine, commit: commit(), seed };
  console.log(`seed ${seed}: --seed ${seed} draws the same; everything is in ${folder}`);
  const asked = Object.fromEntries(Object.keys(counts).map((count) => [count, Number(values[count as 'seed'])]));
  const begun = performance.now();
  const outcome = await run({ main: resolve(`${values.main}`), folder, seed, say: console.log }, asked);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  const { tables, broken, result } = outcome;
  for (const table of tables) print(table);
  if (result)
    writeFileSync(`${values.result}`, `${JSON.stringify({ ...about, ...result, broken, seconds }, null, 2)}\n`);
  const holds = printBroken(broken);
  if (holds && !values.keep) rmSync(folder, { recursive: true, force: true });
  else console.log(`the folder is kept: ${folder}`);
  return holds;
}

/** Figures in groups are printed line by line. */
function print(figures: Record<string, unknown>): void {
  const flat = Object.entries(figures).flatMap(([name, value]): [string, unknown][] => {
    if (typeof value !== 'object' || value === null) return [[name, value]];
    return 'p50' in value
      ? [[`${name} p50 / p95 / longest`, Object.values(value).join(' / ')]]
      : Object.entries(value).map(([part, figure]) => [`${name}: ${part}`, figure]);
  });
  console.table(Object.fromEntries(flat));
}

function printBroken(broken: Broken): boolean {
  for (const [promise, times] of Object.entries(broken)) {
    console.log(`✗ ${promise}: ${times.length} times`);
    for (const found of times.slice(0, 10)) console.log(`    ${found}`);
  }
  const holds = Object.keys(broken).length === 0;
  if (holds) console.log('✓ no promise broken');
  return holds;
}

function commit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}
