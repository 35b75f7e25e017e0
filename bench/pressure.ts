/**
 * A real fleet in a cgroup that is too small for it: agents that together want 2 GB, in 512 MB. Counts what became of every slot
 * of the critical agents and of every job that was accepted, and follows the rungs of pressure until all of it is done.
 * The bound on workers is raised: the default of so small a cgroup, four, keeps the fleet from ever being pressed.
 *
 *   npm run build && npx tsx bench/pressure.ts [seconds at most]
 */

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connectHost } from '../src/control/own-host.ts';
import { readHostFile } from '../src/control/place.ts';
import { machineTime } from '../src/kernel/time.ts';
import { memoryCgroup } from '../test/memory-cgroup.ts';
import { machineFacts } from './machine.ts';
import { isAlive, openWorld, until } from './world.ts';

const MOST_S = Number(process.argv[2] ?? 900);
const MB = 1024 ** 2;
const LIMIT = 512 * MB;
const MAIN = join(import.meta.dirname, '../dist/main.js');
const CRITICAL = 2;
const NORMAL = 2;
const BACKGROUND = 19;
const JOBS_EACH = 1;

const worker = (klass: string, megabytes: number, ms: number, more: string) => `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Holds memory for a while.', class: '${klass}', ${more}
  limits: { memory: '320MB', timeout: '60s', attempts: 3, backoff: { first: '2s', longest: '10s' } },
  async run() {
    const held = [];
    for (let mb = 0; mb < ${megabytes}; mb += 10) { held.push(Buffer.alloc(${Math.min(10, megabytes)} * 1024 ** 2, 1)); await new Promise((go) => setTimeout(go, 20)); }
    await new Promise((go) => setTimeout(go, ${ms}));
    return held.length;
  },
});
`;

const world = openWorld('pressure');
const cgroup = memoryCgroup(LIMIT);
// After the world, whose processes are in it.
process.once('exit', cgroup.leave);
await main();
world.end();
process.exit();

async function main() {
  for (const name of ['plugins', 'agents', 'config']) mkdirSync(join(world.folder, name));
  const write = (path: string, text: string) => writeFileSync(join(world.folder, path), text);
  write('config/daruma.yaml', 'web: { port: 0 }\nmodels: false\npressure: { relief: 2s }\nworkers: { max: 40 }\n');
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, at) => `${kind}-${at + 1}`);
  const [critical, normal, background] = [
    names('critical', CRITICAL),
    names('normal', NORMAL),
    names('background', BACKGROUND),
  ];
  for (const name of critical) write(`plugins/${name}.ts`, worker('critical', 1, 0, `schedule: '@every 2s',`));
  for (const name of normal) write(`plugins/${name}.ts`, worker('normal', 20, 500, `schedule: '@every 10s',`));
  for (const name of background) write(`plugins/${name}.ts`, worker('background', 100, 1_000, ''));

  const guardian = spawn(process.execPath, [MAIN, 'start', '--dir', world.folder, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: world.env,
  });
  cgroup.take(guardian.pid!);
  const said = await new Promise<string>((resolve) => guardian.stdout.once('data', (text) => resolve(String(text))));
  const host = (JSON.parse(said.split('\n')[0]!) as { pid: number }).pid;
  const client = await connectHost(world.folder, machineTime);
  const all = CRITICAL + NORMAL + BACKGROUND;
  await until(30_000, async () => (await client.ask('status', {})).agents.length >= all);
  const restingMb = Math.round(cgroup.usedBytes() / MB);
  const from = Date.now();
  const accepted: string[] = [];
  for (let round = 0; round < JOBS_EACH; round++)
    for (const name of background) accepted.push((await client.ask('run', { agent: name })).id);
  const course: { s: number; rung: number; usedMb: number; done: number }[] = [];
  const db = () => new DatabaseSync(join(world.folder, 'data/daruma.db'), { readOnly: true, timeout: 5_000 });
  const look = async () => {
    const { host: seen } = await client.ask('status', {});
    const open = db();
    const done = open
      .prepare(`SELECT count(*) AS n FROM job WHERE agent LIKE 'background-%' AND state = 'done'`)
      .get() as { n: number };
    open.close();
    course.push({
      s: Math.round((Date.now() - from) / 1_000),
      rung: seen?.pressure?.rung ?? -1,
      usedMb: Math.round(cgroup.usedBytes() / MB),
      done: done.n,
    });
    const last = course.at(-1)!;
    console.log(
      `${last.s} s: rung ${last.rung}, ${last.usedMb} MB, ${last.done} of ${accepted.length} background jobs done`,
    );
    return last;
  };
  const isAllDone = await until(MOST_S * 1_000, async () => {
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const { done, rung } = await look();
    return done >= accepted.length && rung === 0;
  });
  const to = Date.now();
  const result = {
    machine: machineFacts(),
    limitMb: LIMIT / MB,
    wantedMb: CRITICAL * 1 + NORMAL * 20 + BACKGROUND * 100 + restingMb,
    restingMb,
    cgroup: {
      version: cgroup.version,
      peakMb: Math.round(cgroup.peakBytes() / MB),
      kills: cgroup.kills(),
      stalls: cgroup.stalls(),
    },
    allDoneAfterS: isAllDone ? Math.round((to - from) / 1_000) : null,
    host: { isTheSame: isAlive(host) && readHostFile(world.folder)?.pid === host },
    ...counted(),
    course,
  };
  console.log(JSON.stringify({ ...result, course: undefined }, null, 2));
  writeFileSync(join(import.meta.dirname, 'results/pressure.json'), `${JSON.stringify(result, null, 2)}\n`);
  client.close();
  guardian.kill('SIGTERM');
  await until(30_000, () => guardian.exitCode !== null);

  function counted() {
    const open = db();
    const rows = (sql: string) => open.prepare(sql).all() as Record<string, number | string>[];
    const slots = rows(
      `SELECT state, count(*) AS n FROM slot WHERE agent LIKE 'critical-%' AND due >= ${from} AND due < ${to - 5_000} GROUP BY state`,
    );
    const skipped = rows(
      `SELECT due, reason FROM slot WHERE agent LIKE 'critical-%' AND state <> 'ran' AND due >= ${from} AND due < ${to - 5_000} ORDER BY due`,
    ).map(({ due, reason }) => ({ s: Math.round((Number(due) - from) / 1_000), reason }));
    const late = rows(
      `SELECT max(started_at - run_at) AS most, avg(started_at - run_at) AS mean, count(*) AS n FROM job WHERE agent LIKE 'critical-%' AND trigger = 'schedule' AND run_at >= ${from} AND run_at < ${to - 5_000}`,
    )[0];
    const background = rows(
      `SELECT state, count(*) AS n, sum(attempt) AS attempts FROM job WHERE agent LIKE 'background-%' GROUP BY state`,
    );
    const normal = rows(
      `SELECT state, count(*) AS n FROM slot WHERE agent LIKE 'normal-%' AND due < ${to - 10_000} GROUP BY state`,
    );
    const events = rows(
      `SELECT at, kind, message FROM event WHERE kind LIKE 'pressure.%' OR kind = 'host.lost' ORDER BY at`,
    );
    open.close();
    return {
      critical: { slots, skipped, late, expected: Math.floor((to - 5_000 - from) / 2_000) * CRITICAL },
      normal,
      background,
      events: events.map(({ at, kind, message }) => ({ s: Math.round((Number(at) - from) / 1_000), kind, message })),
    };
  }
}
