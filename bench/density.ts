/**
 * How many agents one host carries: 10, 100, 1,000 and 5,000 of them, from every minute to every day. For each: until the host
 * takes requests, memory and processor time of its processes, how long `status` takes, and of each kind of schedule how many slots
 * were due by its text, how many ran, and how late. The window holds two whole minutes at least, in which each kind is due.
 *
 *   npm run build && npx tsx bench/density.ts [seconds] [counts, as 10,100,1000,5000; `table`: of what is on record]
 *
 * Puts the sizes that it measured into bench/results/density.json beside the others, draws all as density.svg, prints the table.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlClient, connectControl } from '../src/control/client.ts';
import { readHostFile } from '../src/control/place.ts';
import {
  type Density,
  duesOf,
  graph,
  KINDS,
  type KindSlots,
  kindOf,
  rowsOf,
  scheduleAt,
  TARGETS,
} from './density-figures.ts';
import { machineFacts, median } from './machine.ts';
import { markdown } from './markdown.ts';
import { costs } from './process-costs.ts';
import { makeInstallation } from './reload/daruma-host.ts';
import { openWorld } from './world.ts';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RESULTS = join(import.meta.dirname, 'results');
const FILE = join(RESULTS, 'density.json');
const ON_TIME_MS = 1_000;
const MINUTE_MS = 60_000;
/** Both starts and a pause are over by then, before the window begins. */
const LEAD_MS = { few: 30_000, thousand: 60_000, many: 150_000 };
/** From the end of the window until what was due in it is over. */
const AFTER_MS = 20_000;
const seconds = Number(process.argv[2] ?? 125);
const counts = (process.argv[3] ?? '10,100,1000,5000')
  .split(',')
  .filter((text) => text !== 'table')
  .map(Number);

const PLUGIN = `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Does next to nothing.', async run() { return Date.now(); } });
`;

const round = (value: number) => Math.round(value * 10) / 10;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the host; resolves when its control socket answers with all agents. */
async function start(folder: string, env: NodeJS.ProcessEnv, count: number) {
  const begun = performance.now();
  const guardian = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const ended = new Promise((resolve) => guardian.once('exit', resolve));
  await new Promise((resolve) => guardian.stdout!.once('data', resolve));
  const readyMs = performance.now() - begun;
  const client = await connectControl(readHostFile(folder)!.socket);
  let live = 0;
  for (; live < count; await sleep(50)) live = (await client.ask('status', {})).agents.length;
  return { guardian, ended, client, readyMs, liveMs: performance.now() - begun };
}

/** The slots of the window by kind, as the schedules say and as the host has them. */
async function slotsOf(client: ControlClient, count: number, begun: number, window: { from: number; to: number }) {
  const found = KINDS.map((kind) => ({ kind, agents: 0, due: 0, run: 0, lateMs: [] as number[] }));
  for (let index = 0; index < count; index++) {
    const own = found[KINDS.indexOf(kindOf(index))]!;
    own.agents += 1;
    const dues = duesOf(index, begun, window);
    if (dues.length === 0) continue;
    own.due += dues.length;
    const jobs = await client.ask('jobs', { agent: `little-${index}`, limit: 30 });
    const ends = new Map(jobs.map((job) => [Date.parse(job.slot ?? ''), job]));
    for (const due of dues) {
      const job = ends.get(due);
      if (job?.state !== 'done') continue;
      own.run += 1;
      own.lateMs.push(Number(job.result) - due);
    }
  }
  return found.map(({ lateMs, ...own }): KindSlots => {
    const sorted = lateMs.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? null;
    const withinSecond = sorted.filter((ms) => ms <= ON_TIME_MS).length;
    return { ...own, withinSecond, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: at(1) };
  });
}

/** The median of seven, in ms. */
async function statusMs(client: ControlClient): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < 7; i++) {
    const asked = performance.now();
    await client.ask('status', {});
    took.push(performance.now() - asked);
  }
  return Math.round(median(took));
}

async function measure(count: number): Promise<Density> {
  const { load1 } = machineFacts();
  const at = new Date().toISOString();
  const world = openWorld('density');
  const { folder, env } = world;
  makeInstallation(folder);
  writeFileSync(join(folder, 'plugins/little.ts'), PLUGIN);
  const lead = LEAD_MS[count < 1_000 ? 'few' : count > 1_000 ? 'many' : 'thousand'];
  const begun = Math.ceil((Date.now() + lead) / MINUTE_MS) * MINUTE_MS;
  for (let i = 0; i < count; i++) {
    const text = `about: Little.\nplugin: little\nschedule: "${scheduleAt(i, begun)}"\ntimezone: UTC\n`;
    writeFileSync(join(folder, `agents/little-${i}.yaml`), text);
  }
  const first = await start(folder, env, count);
  first.client.close();
  first.guardian.kill('SIGTERM');
  await first.ended;
  // The second start knows the plugin: that of every day.
  const { guardian, ended, client, readyMs, liveMs } = await start(folder, env, count);
  try {
    const from = begun - 2_000;
    if (Date.now() > from) throw new Error(`two starts took longer than ${lead} ms: the window has begun`);
    await sleep(from - Date.now());
    const before = costs(guardian.pid!);
    await sleep(seconds * 1_000);
    const after = costs(guardian.pid!);
    const to = Date.now();
    const atWorkMs = await statusMs(client);
    await sleep(AFTER_MS);
    const calmMs = await statusMs(client);
    const kinds = await slotsOf(client, count, begun, { from, to });
    const all = [...after];
    const cpuMs = all.reduce((sum, [pid, { cpuMs }]) => sum + cpuMs - (before.get(pid)?.cpuMs ?? 0), 0);
    const host = all.filter(([, { name }]) => name === 'host').sort((a, b) => b[1].rssMb - a[1].rssMb)[0]!;
    return {
      ...{ at, load1, seconds, agents: count },
      ...{ firstReadyMs: Math.round(first.readyMs), firstLiveMs: Math.round(first.liveMs) },
      ...{ startMs: Math.round(readyMs), liveMs: Math.round(liveMs), statusMs: calmMs, statusAtWorkMs: atWorkMs },
      ...{ hostMb: round(host[1].rssMb), allMb: round(all.reduce((sum, [, { pssMb }]) => sum + pssMb, 0)) },
      hostCorePercent: round((100 * (host[1].cpuMs - (before.get(host[0])?.cpuMs ?? 0))) / (to - from)),
      corePercent: round((100 * cpuMs) / (to - from)),
      kinds,
    };
  } finally {
    client.close();
    guardian.kill('SIGTERM');
    await ended;
    world.end();
  }
}

/** All sizes on record, the smallest first; a size that is measured anew takes the place of its former figures. */
function keep(measured: readonly Density[]): Density[] {
  const known: Density[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')).found : [];
  const bySize = new Map([...known, ...measured].map((one) => [one.agents, one]));
  const found = [...bySize.values()].sort((a, b) => a.agents - b.agents);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify({ machine: machineFacts(), targets: TARGETS, found }, null, 2)}\n`);
  writeFileSync(join(RESULTS, 'density.svg'), graph(found));
  return found;
}

for (const count of counts) {
  const found = await measure(count);
  keep([found]);
  console.log(found);
}
const found = keep([]);
console.log(markdown(rowsOf(found)));
for (const { agents, kinds } of found) {
  console.log(`\n${agents} agents`);
  console.log(
    markdown(
      kinds.map(({ p50Ms, p99Ms, mostMs, ...one }) => ({
        ...one,
        p50Ms: p50Ms ?? '-',
        p99Ms: p99Ms ?? '-',
        mostMs: mostMs ?? '-',
      })),
    ),
  );
}
