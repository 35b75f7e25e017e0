/**
 * What Daruma costs while it waits: memory and CPU of all its processes with 20 agents that run once a day, and with
 * 1,000 agents of which each runs once in a while, from every minute to every day.
 *
 *   npm run build && npx tsx bench/idle.ts [seconds]
 *
 * Memory is resident (RSS, what is shared counts in each process) and proportional (PSS). Writes bench/results/idle.json.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts } from './machine.ts';
import { makeInstallation } from './reload/daruma-host.ts';
import { openWorld } from './world.ts';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RESULTS = join(import.meta.dirname, 'results');
const SETTLE_MS = 90_000;
const MS_PER_TICK = 10;
const seconds = Number(process.argv[2] ?? 60);

const PLUGIN = `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Does next to nothing.', async run() { return 1; } });
`;

/** Of a thousand agents: 5 % every minute, 20 % every ten minutes, half every hour, the rest once a day. */
function scheduleOf(index: number, count: number): string {
  const share = index / count;
  if (count <= 20 || share >= 0.75) return '30 4 * * *';
  if (share < 0.05) return '* * * * *';
  if (share < 0.25) return `${index % 10}-59/10 * * * *`;
  return `${index % 60} * * * *`;
}

interface Cost {
  name: string;
  rssMb: number;
  pssMb: number;
  cpuMs: number;
}

function costs(root: number): Map<number, Cost> {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = read(`/proc/${entry}/stat`);
    if (stat) parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid)!));
  const found = new Map<number, Cost>();
  for (const pid of parents.keys()) {
    if (!isBelow(pid)) continue;
    const stat = read(`/proc/${pid}/stat`);
    const sizes = read(`/proc/${pid}/smaps_rollup`);
    if (!stat || !sizes) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const kb = (what: string) => Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(sizes)?.[1] ?? 0);
    const command = read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? '';
    const name = pid === root ? 'guardian' : command.includes('inside/cell') ? 'cell' : 'host';
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
    found.set(pid, { name, rssMb: kb('Rss') / 1024, pssMb: kb('Pss') / 1024, cpuMs });
  }
  return found;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

const round = (value: number) => Math.round(value * 10) / 10;

async function measure(count: number) {
  const world = openWorld('idle');
  const { folder } = world;
  makeInstallation(folder);
  writeFileSync(join(folder, 'plugins/little.ts'), PLUGIN);
  for (let i = 0; i < count; i++) {
    const text = `about: Little.\nplugin: little\nschedule: "${scheduleOf(i, count)}"\n`;
    writeFileSync(join(folder, `agents/little-${i}.yaml`), text);
  }
  const guardian = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: world.env,
  });
  const ended = new Promise((resolve) => guardian.once('exit', resolve));
  try {
    await new Promise((resolve) => guardian.stdout!.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const before = costs(guardian.pid!);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const after = costs(guardian.pid!);
    const processes = [...after].map(([pid, { name, rssMb, pssMb, cpuMs }]) => ({
      name,
      rssMb: round(rssMb),
      pssMb: round(pssMb),
      corePercent: round((100 * (cpuMs - (before.get(pid)?.cpuMs ?? 0))) / (seconds * 1_000)),
    }));
    const sum = (key: 'rssMb' | 'pssMb' | 'corePercent') => round(processes.reduce((all, one) => all + one[key], 0));
    return { agents: count, rssMb: sum('rssMb'), pssMb: sum('pssMb'), corePercent: sum('corePercent'), processes };
  } finally {
    guardian.kill('SIGTERM');
    await ended;
    world.end();
  }
}

const found = [await measure(20), await measure(1_000)];
console.log(JSON.stringify(found, null, 2));
mkdirSync(RESULTS, { recursive: true });
const facts = { at: new Date().toISOString(), machine: machineFacts(), seconds };
writeFileSync(join(RESULTS, 'idle.json'), `${JSON.stringify({ ...facts, found }, null, 2)}\n`);
