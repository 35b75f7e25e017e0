/**
 * The floor under the lateness of slots: so many bare threads, each woken at every full second by a message, alone and beside a
 * thread that burns a core. No host, no store, no second process: what is late here is Node's and the kernel's.
 *
 *   npx tsx bench/thread-wakes.ts [threads] [seconds] [rounds]
 *
 * Writes bench/results/thread-wakes.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { machineFacts, median } from './machine.ts';

const [count = 100, seconds = 20, rounds = 3] = process.argv.slice(2).map(Number);
const RESULTS = join(import.meta.dirname, 'results');
const ANSWERS = `const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (due) => parentPort.postMessage(Date.now() - due));`;
/** On Linux a priority is that of the thread. */
const burns = (niceness: number) => `require('node:os').setPriority(0, ${niceness}); for (;;);`;

/** `niceness`: of the thread that burns a core; undefined: there is none. */
async function wakes(niceness: number | undefined) {
  const load1 = machineFacts().load1;
  const late: number[] = [];
  const threads = Array.from({ length: count }, () => new Worker(ANSWERS, { eval: true }));
  for (const thread of threads) thread.on('message', (ms: number) => late.push(ms));
  await Promise.all(threads.map((thread) => new Promise((online) => thread.once('online', online))));
  const burner = niceness === undefined ? undefined : new Worker(burns(niceness), { eval: true });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  late.length = 0;
  for (let second = 0; second < seconds; second++) {
    const due = Math.ceil((Date.now() + 1) / 1_000) * 1_000;
    while (Date.now() < due) await new Promise((resolve) => setTimeout(resolve, due - Date.now()));
    for (const thread of threads) thread.postMessage(due);
  }
  await new Promise((resolve) => setTimeout(resolve, 900));
  await Promise.all([...threads, burner].map((thread) => thread?.terminate()));
  late.sort((a, b) => a - b);
  const at = (share: number) => late[Math.min(late.length - 1, Math.floor(share * late.length))]!;
  return { load1, answers: late.length, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: late.at(-1)! };
}

const BESIDE: Record<string, number | undefined> = {
  nothing: undefined,
  'a burning core': 0,
  'a burning core of niceness 5': 5,
  'a burning core of niceness 19': 19,
};
const runs: Record<string, Awaited<ReturnType<typeof wakes>>[]> = {};
for (let round = 0; round < rounds; round++)
  for (const [name, niceness] of Object.entries(BESIDE)) {
    runs[name] ??= [];
    runs[name].push(await wakes(niceness));
    console.log(round + 1, name, runs[name].at(-1));
  }
const table = Object.entries(runs).map(([name, own]) => ({
  beside: name,
  p50Ms: median(own.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(own.map(({ p99Ms }) => p99Ms)),
}));
console.table(table);
mkdirSync(RESULTS, { recursive: true });
const facts = { at: new Date().toISOString(), machine: machineFacts(), threads: count, seconds, rounds };
writeFileSync(join(RESULTS, 'thread-wakes.json'), `${JSON.stringify({ ...facts, table, runs }, null, 2)}\n`);
