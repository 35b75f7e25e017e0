/**
 * How many agents one host carries: 10, 100, 1,000 and 5,000 of them, from every minute to every day. For each: until the host
 * takes requests, memory and processor time of its processes, how long `status` takes, and how many slots of the time were on time.
 *
 *   npm run build && npx tsx bench/density.ts [seconds] [counts, as 10,100,1000,5000]
 *
 * Writes bench/results/density.json and its graph, density.svg.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectControl } from '../src/control/client.ts';
import { readHostFile } from '../src/control/place.ts';
import { machineFacts, median } from './machine.ts';
import { costs, scheduleOf } from './process-costs.ts';
import { makeInstallation } from './reload/daruma-host.ts';
import { openWorld } from './world.ts';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RESULTS = join(import.meta.dirname, 'results');
const ON_TIME_MS = 1_000;
const seconds = Number(process.argv[2] ?? 70);
const counts = (process.argv[3] ?? '10,100,1000,5000').split(',').map(Number);
const TARGETS = { hostMb: 250, corePercent: 3, startMs: 2_000, statusMs: 300 };

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

async function measure(count: number) {
  const world = openWorld('density');
  const { folder, env } = world;
  makeInstallation(folder);
  writeFileSync(join(folder, 'plugins/little.ts'), PLUGIN);
  for (let i = 0; i < count; i++) {
    const text = `about: Little.\nplugin: little\nschedule: "${scheduleOf(i, Math.max(count, 21))}"\n`;
    writeFileSync(join(folder, `agents/little-${i}.yaml`), text);
  }
  const first = await start(folder, env, count);
  first.client.close();
  first.guardian.kill('SIGTERM');
  await first.ended;
  // The second start knows the plugin: that of every day.
  const { guardian, ended, client, readyMs, liveMs } = await start(folder, env, count);
  try {
    await sleep(20_000);
    const from = Date.now();
    const before = costs(guardian.pid!);
    await sleep(seconds * 1_000);
    const after = costs(guardian.pid!);
    const to = Date.now();
    const statusMs: number[] = [];
    for (let i = 0; i < 7; i++) {
      const asked = performance.now();
      await client.ask('status', {});
      statusMs.push(performance.now() - asked);
    }
    await sleep(2_000);
    let due = 0;
    const lateMs: number[] = [];
    for (let i = 0; i < count * 0.25; i++) {
      const jobs = await client.ask('jobs', { agent: `little-${i}`, limit: 20 });
      for (const { slot, state, result } of jobs) {
        const at = Date.parse(slot ?? '');
        if (at < from || at >= to) continue;
        due += 1;
        if (state === 'done') lateMs.push(Number(result) - at);
      }
    }
    lateMs.sort((a, b) => a - b);
    const all = [...after];
    const cpuMs = all.reduce((sum, [pid, { cpuMs }]) => sum + cpuMs - (before.get(pid)?.cpuMs ?? 0), 0);
    const host = all.filter(([, { name }]) => name === 'host').sort((a, b) => b[1].rssMb - a[1].rssMb)[0]!;
    return {
      agents: count,
      ...{ firstReadyMs: Math.round(first.readyMs), firstLiveMs: Math.round(first.liveMs) },
      ...{ startMs: Math.round(readyMs), liveMs: Math.round(liveMs), statusMs: Math.round(median(statusMs)) },
      ...{ hostMb: round(host[1].rssMb), allMb: round(all.reduce((sum, [, { pssMb }]) => sum + pssMb, 0)) },
      hostCorePercent: round((100 * (host[1].cpuMs - (before.get(host[0])?.cpuMs ?? 0))) / (to - from)),
      corePercent: round((100 * cpuMs) / (to - from)),
      slots: due,
      onTime: lateMs.filter((ms) => ms <= ON_TIME_MS).length,
      p99LateMs: lateMs[Math.floor(lateMs.length * 0.99)] ?? null,
    };
  } finally {
    client.close();
    guardian.kill('SIGTERM');
    await ended;
    world.end();
  }
}

type Found = Awaited<ReturnType<typeof measure>>;

/** Each figure as a share of its target, over the number of agents. */
function graph(found: readonly Found[]): string {
  const [width, height, left, bottom] = [640, 360, 60, 40];
  const lines = { hostMb: '#1f6feb', corePercent: '#d1242f', startMs: '#1a7f37', statusMs: '#9a6700' } as const;
  const keys = Object.keys(lines) as (keyof typeof lines)[];
  const shares = found.flatMap((one) => keys.map((key) => one[key] / TARGETS[key]));
  const most = Math.max(1.2, ...shares);
  const logs = found.map(({ agents }) => Math.log10(agents));
  const [low, high] = [Math.min(...logs), Math.max(...logs, Math.min(...logs) + 1)];
  const x = (agents: number) => left + ((Math.log10(agents) - low) / (high - low)) * (width - left - 20);
  const y = (share: number) => height - bottom - (share / most) * (height - bottom - 20);
  const text = (at: [number, number], words: string, more = '') =>
    `<text x="${round(at[0])}" y="${round(at[1])}" ${more}>${words}</text>`;
  const courses = keys.map((key, i) => {
    const points = found.map((one) => `${round(x(one.agents))},${round(y(one[key] / TARGETS[key]))}`);
    const label = text([left + 10, 34 + 16 * i], `${key} / ${TARGETS[key]}`, `fill="${lines[key]}"`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${lines[key]}" stroke-width="2"/>${label}`;
  });
  const ticks = found.map(({ agents }) => text([x(agents), height - 16], String(agents), 'text-anchor="middle"'));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<line x1="${left}" x2="${width - 20}" y1="${round(y(1))}" y2="${round(y(1))}" stroke="#57606a" stroke-dasharray="4 4"/>
${text([left - 6, y(1) + 4], 'target', 'text-anchor="end"')}
${courses.join('\n')}
${ticks.join('\n')}
${text([width - 20, height - 2], 'agents', 'text-anchor="end"')}
</svg>
`;
}

const found: Found[] = [];
for (const count of counts) {
  found.push(await measure(count));
  console.log(found.at(-1));
}
mkdirSync(RESULTS, { recursive: true });
const facts = { at: new Date().toISOString(), machine: machineFacts(), seconds, targets: TARGETS };
writeFileSync(join(RESULTS, 'density.json'), `${JSON.stringify({ ...facts, found }, null, 2)}\n`);
writeFileSync(join(RESULTS, 'density.svg'), graph(found));
