/**
 * A hundred agents, each every second for 30 s: how many of the 3,000 slots ran, and how late `run` was entered. Quiet,
 * then with one more agent whose loop is busy for half of each second, then with one that burns a whole core.
 *
 *   npm run build && npx tsx bench/schedules.ts [seconds]
 *
 * Writes bench/results/schedules.json.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectControl } from '../src/control/client.ts';
import { readHostFile } from '../src/control/place.ts';
import { machineFacts } from './machine.ts';
import { makeInstallation } from './reload/daruma-host.ts';
import { openWorld } from './world.ts';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RESULTS = join(import.meta.dirname, 'results');
const AGENTS = 100;
const WARM_UP_MS = 15_000;
const seconds = Number(process.argv[2] ?? 30);

const TICK = `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Says when it began.',
  workers: { min: 1, max: 1 },
  async run() { return Date.now(); },
});
`;

const busy = (ms: number) => `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Keeps its loop busy.',
  schedule: '* * * * * *', overlap: 'skip',
  workers: { min: 1, max: 1 },
  async run() { for (const end = performance.now() + ${ms}; performance.now() < end; ); },
});
`;

const LOADS: Record<string, string | null> = {
  quiet: null,
  'one loop busy for 500 ms of each second': busy(500),
  'one agent burns a core': busy(30_000),
};

async function measure(load: string | null) {
  const world = openWorld('schedules');
  const { folder } = world;
  makeInstallation(folder);
  writeFileSync(join(folder, 'plugins/tick.ts'), TICK);
  for (let i = 0; i < AGENTS; i++)
    writeFileSync(join(folder, `agents/tick-${i}.yaml`), 'about: A tick.\nplugin: tick\nschedule: "* * * * * *"\n');
  if (load) writeFileSync(join(folder, 'plugins/busy.ts'), load);
  const host = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: world.env,
  });
  const ended = new Promise((resolve) => host.once('exit', resolve));
  try {
    await new Promise((resolve) => host.stdout!.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
    const from = Math.ceil(Date.now() / 1_000) * 1_000;
    const to = from + seconds * 1_000;
    await new Promise((resolve) => setTimeout(resolve, to + 2_000 - Date.now()));
    const client = await connectControl(readHostFile(folder)!.socket);
    const lateMs: number[] = [];
    let slots = 0;
    for (let i = 0; i < AGENTS; i++) {
      const agent = `tick-${i}`;
      slots += (
        await client.ask('slots', { agent, from: new Date(from).toISOString(), to: new Date(to - 1).toISOString() })
      ).length;
      for (const { slot, result, state } of await client.ask('jobs', { agent, limit: 500 })) {
        const due = Date.parse(slot ?? '');
        if (state === 'done' && due >= from && due < to) lateMs.push(Number(result) - due);
      }
    }
    client.close();
    lateMs.sort((a, b) => a - b);
    const at = (share: number) => lateMs[Math.min(lateMs.length - 1, Math.floor(share * lateMs.length))];
    return { slots, ran: lateMs.length, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: lateMs.at(-1) };
  } finally {
    host.kill('SIGTERM');
    await ended;
    world.end();
  }
}

const found: Record<string, Awaited<ReturnType<typeof measure>>> = {};
for (const [name, load] of Object.entries(LOADS)) {
  found[name] = await measure(load);
  console.log(name, found[name]);
}
mkdirSync(RESULTS, { recursive: true });
const facts = { at: new Date().toISOString(), machine: machineFacts(), agents: AGENTS, seconds };
writeFileSync(join(RESULTS, 'schedules.json'), `${JSON.stringify({ ...facts, found }, null, 2)}\n`);
