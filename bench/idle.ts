/**
 * What Daruma costs while it waits: memory and CPU of all its processes with 20 agents that run once a day, and with
 * 1,000 agents of which each runs once in a while, from every minute to every day.
 *
 *   npm run build && npx tsx bench/idle.ts [seconds]
 *
 * Memory is resident (RSS, what is shared counts in each process) and proportional (PSS). Writes bench/results/idle.json.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts } from './machine.ts';
import { costs, scheduleOf } from './process-costs.ts';
import { makeInstallation } from './reload/daruma-host.ts';
import { openWorld } from './world.ts';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RESULTS = join(import.meta.dirname, 'results');
const SETTLE_MS = 90_000;
const seconds = Number(process.argv[2] ?? 60);

const PLUGIN = `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Does next to nothing.', async run() { return 1; } });
`;

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
