/**
 * Leaks of 300 MB an hour in real threads, for as long as it is let: when they are told, how long before the limit, and
 * that the worker goes between two jobs with none failed.
 *
 *   npm run build && npx tsx bench/leaks.ts [minutes]
 *
 * Four agents work every second on one host: `near` keeps objects, `buffers` keeps buffers (both may hold 160 MB), `far`
 * keeps objects and may hold 1 GB, `steady` makes and drops 20 times as much (160 MB). Writes bench/results/leaks.json.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlClient, connectControl } from '../src/control/client.ts';
import { readHostFile } from '../src/control/place.ts';
import { machineFacts } from './machine.ts';
import { makeInstallation } from './reload/daruma-host.ts';
import { openWorld } from './world.ts';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RESULTS = join(import.meta.dirname, 'results');
const MB = 1024 * 1024;
const PER_HOUR_BYTES = 300 * MB;
const minutes = Number(process.argv[2] ?? 150);
const perJob = Math.round(PER_HOUR_BYTES / 3600);

const AGENTS = {
  near: { memory: '160MB', kept: 'const kept = [];', run: `kept.push(new Array(${perJob >> 3}).fill(kept.length));` },
  far: { memory: '1GB', kept: 'const kept = [];', run: `kept.push(new Array(${perJob >> 3}).fill(kept.length));` },
  buffers: { memory: '160MB', kept: 'const kept = [];', run: `kept.push(Buffer.alloc(${perJob}, 1));` },
  steady: {
    memory: '160MB',
    kept: 'let kept;',
    run: `kept = Array.from({ length: 20 }, () => new Array(${perJob >> 3}).fill(1));`,
  },
};

const source = ({ memory, kept, run }: (typeof AGENTS)['near']) => `import { definePlugin } from 'daruma';
${kept}
export default definePlugin({
  about: 'Keeps memory, or does not.',
  schedule: '* * * * * *', catchUp: 'all', overlap: 'queue',
  limits: { memory: '${memory}', attempts: 1 },
  workers: { min: 1, max: 1 },
  async run() { ${run} return kept.length; },
});
`;

const world = openWorld('leaks');
const { folder } = world;
makeInstallation(folder);
for (const [name, agent] of Object.entries(AGENTS)) writeFileSync(join(folder, `plugins/${name}.ts`), source(agent));
const host: ChildProcess = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', folder], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: world.env,
});
const ended = new Promise((resolve) => host.once('exit', resolve));

/** Incidents of each agent by now. */
async function look(client: ControlClient, begun: number) {
  const from = new Date(begun).toISOString();
  const to = new Date(Date.now() - 10_000).toISOString();
  const found = [];
  for (const [agent, { memory }] of Object.entries(AGENTS)) {
    const slots = await client.ask('slots', { agent, from, to });
    const dead = await client.ask('jobs', { agent, states: ['dead'], limit: 500 });
    const incidents = await client.ask('incidents', { agent });
    const count: Record<string, number> = {};
    for (const { state } of slots) count[state] = (count[state] ?? 0) + 1;
    found.push({
      agent,
      limit: memory,
      slots: count,
      jobsFailed: dead.length,
      incidents: incidents.map(({ verdict, state, openedAt, remedies, timeline }) => ({
        verdict,
        state,
        toldAfterMinutes: Math.round((Date.parse(openedAt) - begun) / 6_000) / 10,
        remedies,
        timeline,
      })),
    });
  }
  return found;
}

try {
  await new Promise((resolve) => host.stdout!.once('data', resolve));
  const begun = Date.now();
  const client = await connectControl(readHostFile(folder)!.socket);
  const memoryMb: Record<string, number | null>[] = [];
  for (let minute = 1; minute <= minutes; minute++) {
    await new Promise((resolve) => setTimeout(resolve, begun + minute * 60_000 - Date.now()));
    const { agents } = await client.ask('status', {});
    const used = agents.map(({ name, memory }): [string, number | null] => [
      name,
      memory.usedBytes === null ? null : Math.round(memory.usedBytes / MB),
    ]);
    memoryMb.push({ minute, ...Object.fromEntries(used) });
    if (minute % 5 > 0 && minute < minutes) continue;
    const agentsSoFar = await look(client, begun);
    const facts = {
      at: new Date().toISOString(),
      machine: machineFacts(),
      minutes: minute,
      perHourMb: PER_HOUR_BYTES / MB,
    };
    mkdirSync(RESULTS, { recursive: true });
    const result = { ...facts, agents: agentsSoFar, memoryMb };
    writeFileSync(join(RESULTS, 'leaks.json'), `${JSON.stringify(result, null, 2)}\n`);
    if (minute === minutes) console.log(JSON.stringify(agentsSoFar, null, 2));
  }
  client.close();
} finally {
  host.kill('SIGTERM');
  await ended;
  world.end();
}
