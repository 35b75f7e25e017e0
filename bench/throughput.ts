/**
 * Durable no-op jobs a second, Daruma beside its peers, in turns within one run:
 *
 *   npm run build && npm install --prefix bench && npx tsx bench/throughput.ts [rounds]
 *
 * Every system is a process of its own that produces and works; its server (Redis, Postgres), where it has one, runs on
 * loopback with a folder of its own. A job counts when its completion is recorded. Peers that are not installed are left
 * out and said to be. Writes bench/results/throughput.json.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compiled } from './compiled.ts';
import { machineFacts, median } from './machine.ts';
import { postgres, redis } from './servers.ts';

const run = promisify(execFile);
const rounds = Number(process.argv[2] ?? 5);
const HERE = import.meta.dirname;

interface System {
  name: string;
  note: string;
  once(): Promise<{ jobsPerSecond: number; [figure: string]: number }>;
}

async function figure(program: string, ...args: (string | number)[]) {
  const script = program.endsWith('.ts') ? daruma.file : join(HERE, 'systems', program);
  const { stdout } = await run(process.execPath, [script, ...args.map(String)], { timeout: 180_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

const daruma = await compiled('systems/daruma.ts', join(HERE, '..'));
const everysec = await redis('everysec');
const always = await redis('always');
const pg = await postgres();
const absent: string[] = [];
if (!everysec || !always) absent.push('BullMQ (redis-server is not installed)');
if (!pg) absent.push('pg-boss, graphile-worker (PostgreSQL is not installed)');

const systems: System[] = [
  {
    name: 'Daruma',
    note: 'fsync before each acknowledgement; isolated worker threads',
    once: () => figure('daruma.ts', 60_000, 500, 2),
  },
  ...(everysec && always
    ? [
        {
          name: 'BullMQ, everysec',
          note: 'Redis, fsync once a second; same process, 50 at once',
          once: () => figure('bullmq.mjs', everysec.port, 20_000, 200, 50),
        },
        {
          name: 'BullMQ, always',
          note: 'Redis, fsync on each write; same process, 50 at once',
          once: () => figure('bullmq.mjs', always.port, 20_000, 200, 50),
        },
      ]
    : []),
  ...(pg
    ? [
        {
          name: 'pg-boss',
          note: 'Postgres; sends one by one, fetch and complete in batches of 100',
          once: () => figure('pg-boss.mjs', pg.url, 4_000, 50),
        },
        {
          name: 'graphile-worker',
          note: 'Postgres; 10 at once',
          once: () => figure('graphile-worker.mjs', pg.url, 3_000, 50),
        },
      ]
    : []),
  { name: 'Bree', note: 'not durable; a new thread a run, 4 at once', once: () => figure('bree.mjs', 150, 4) },
  {
    name: 'bare node:sqlite',
    note: 'yardstick: one thread, three durable writes a job in groups of 100',
    once: () => figure('bare-sqlite.mjs', 60_000, 100),
  },
];

const raw: Record<string, Awaited<ReturnType<System['once']>>[]> = {};
const loads: number[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const { name, once } of systems) {
    loads.push(machineFacts().load1);
    const found = await once();
    raw[name] = [...(raw[name] ?? []), found];
    console.log(`round ${round}  ${name.padEnd(18)} ${Math.round(found.jobsPerSecond).toLocaleString('en')} jobs/s`);
  }
}
await Promise.all([everysec?.stop(), always?.stop(), pg?.stop()]);
daruma.end();

const own = raw.Daruma!.map((one) => one.jobsPerSecond);
const table = systems.map(({ name, note }) => {
  const found = raw[name]!.map((one) => one.jobsPerSecond);
  return {
    system: name,
    'jobs/s, median': Math.round(median(found)),
    'least – most': `${Math.round(Math.min(...found))} – ${Math.round(Math.max(...found))}`,
    'Daruma is × as fast (median of rounds)': Number(
      median(own.map((value, index) => value / found[index]!)).toFixed(2),
    ),
    note,
  };
});
mkdirSync(join(HERE, 'results'), { recursive: true });
writeFileSync(
  join(HERE, 'results/throughput.json'),
  `${JSON.stringify({ machine: machineFacts(), rounds, loads, absent, table, raw }, null, 2)}\n`,
);
console.table(table);
for (const name of absent) console.log(`left out: ${name}`);
