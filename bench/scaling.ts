/**
 * A tenfold step in load on a real host, for an agent with two to six workers whose jobs wait 40 ms for others: how soon it has six
 * workers, how soon jobs wait no longer than before, whether each job ran once, and when two are left:
 *
 *   npm run build && npx tsx bench/scaling.ts [rounds, default 3]
 *
 * Writes bench/results/scaling.json, with what was read of the load twice a second: test/jobs/scaling.test.ts decides on it again.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConfigFiles } from '../src/host/config/files.ts';
import { readConfig } from '../src/host/config/read.ts';
import { startHost } from '../src/host/host.ts';
import { machineFacts, median } from './machine.ts';

const ROUNDS = Number(process.argv[2] ?? 3);
const BEFORE_S = 10;
const STEP_S = 30;
const AFTER_S = 60;
const LOW = 10;
const HIGH = 100;
const JOB_MS = 40;
const LONG_WAIT_MS = 200;
const LOOK_MS = 500;

const RUN = `async () => {
  const at = performance.timeOrigin + performance.now();
  await new Promise((done) => setTimeout(done, ${JOB_MS}));
  return at;
}`;

const now = () => performance.timeOrigin + performance.now();
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const p95 = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0;

async function openHost() {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-bench-scaling-'));
  for (const place of ['plugins', 'agents']) mkdirSync(join(folder, place));
  writeFileSync(
    join(folder, 'plugins/serves.ts'),
    `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Serves.', workers: { min: 2, max: 6 }, run: ${RUN} });`,
  );
  const config = readConfig(openConfigFiles(folder), { unattended: false, now: Date.now() });
  const host = await startHost({ folder, config, ending: (why) => console.error(why), gone: console.error });
  while (!host.hostContext.catalog.agents().has('serves')) await pause(10);
  return {
    ...host,
    async stop() {
      await host.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
type Host = Awaited<ReturnType<typeof openHost>>;

/** Low, ten times that, and low again; each job is asked when it began. */
async function round(host: Host) {
  const { jobs, scaling, workers, catalog } = host.hostContext;
  const agent = catalog.agents().get('serves')!;
  const handed = new Map<string, number>();
  const ends = new Map<string, number>();
  const states: Record<string, number> = {};
  const retried: string[] = [];
  jobs.onSettled((end) => {
    ends.set(end.job, (ends.get(end.job) ?? 0) + 1);
    states[end.state] = (states[end.state] ?? 0) + 1;
    if (end.attempt > 1) retried.push(end.job);
  });
  const history: number[][] = [];
  const changes: { atMs: number; from: number; to: number; why: string }[] = [];
  const { load1 } = machineFacts();
  const begun = now();
  const readyCount = () => workers.load!('serves')!.ready;
  const looking = setInterval(() => {
    const { target, busy, queueWaitMs, cpu, change } = scaling.view(agent)!;
    const share = (value: number | null) => (value === null ? -1 : Math.round(value * 100) / 100);
    history.push([Math.round(now() - begun), readyCount(), target, share(busy), Math.round(queueWaitMs), share(cpu)]);
    const atMs = change ? Math.round(change.at - begun) : -1;
    if (change && atMs >= 0 && changes.at(-1)?.atMs !== atMs) {
      changes.push({ atMs, from: change.from, to: change.to, why: change.why });
    }
  }, LOOK_MS);
  const adding: Promise<unknown>[] = [];
  async function load(perSecond: number, seconds: number) {
    const from = now();
    for (let sent = 0; sent < perSecond * seconds; ) {
      for (
        const due = Math.floor(((now() - from) / 1_000) * perSecond);
        sent < Math.min(due, perSecond * seconds);
        sent++
      ) {
        const asked = now();
        const [one] = [jobs.add([{ agent: 'serves', trigger: 'manual', input: null, attempts: 3 }])];
        adding.push(one.then(([job]) => handed.set(job!.id, asked)));
      }
      await pause(1);
    }
  }
  await load(LOW, BEFORE_S);
  const stepAt = now();
  let sixAt = 0;
  const six = setInterval(() => {
    if (sixAt === 0 && readyCount() === 6) sixAt = now();
  }, 5);
  await load(HIGH, STEP_S);
  clearInterval(six);
  const endAt = now();
  await load(LOW, AFTER_S);
  await Promise.all(adding);
  const waits: { at: number; ms: number }[] = [];
  for (const [id, asked] of handed) {
    const job = await jobs.finished(id);
    waits.push({ at: asked, ms: Number(job.result) - asked });
  }
  clearInterval(looking);
  const twoAt = changes.findLast(({ to }) => to === 2)?.atMs;
  /** P95 of each second from the step on. */
  const seconds = Array.from({ length: STEP_S }, (_, second) =>
    Math.round(p95(waits.filter(({ at }) => Math.floor((at - stepAt) / 1_000) === second).map(({ ms }) => ms))),
  );
  const lastLong = seconds.findLastIndex((ms) => ms > LONG_WAIT_MS);
  return {
    load1,
    ...{
      jobs: handed.size,
      states,
      retried: retried.length,
      endedTwice: [...ends.values()].filter((n) => n > 1).length,
    },
    lost: handed.size - ends.size,
    sixWorkersAfterMs: sixAt === 0 ? null : Math.round(sixAt - stepAt),
    waitsBackAfterS: lastLong + 1,
    worstP95Ms: Math.max(...seconds),
    p95BySecondMs: seconds,
    twoWorkersAfterEndS: twoAt === undefined ? null : Math.round((begun + twoAt - endAt) / 100) / 10,
    changes,
    history,
  };
}

const rounds: Awaited<ReturnType<typeof round>>[] = [];
for (let turn = 0; turn < ROUNDS; turn++) {
  const host = await openHost();
  rounds.push(await round(host));
  await host.stop();
}
const never = Number.POSITIVE_INFINITY;
const table = {
  jobs: rounds.reduce((sum, one) => sum + one.jobs, 0),
  lost: rounds.reduce((sum, one) => sum + one.lost, 0),
  runTwice: rounds.reduce((sum, one) => sum + one.retried + one.endedTwice, 0),
  sixWorkersAfterMs: {
    median: median(rounds.map((one) => one.sixWorkersAfterMs ?? never)),
    worst: worst('sixWorkersAfterMs'),
  },
  p95Within200MsAfterS: { median: median(rounds.map((one) => one.waitsBackAfterS)), worst: worst('waitsBackAfterS') },
  worstP95OfASecondMs: worst('worstP95Ms'),
  twoWorkersAfterEndS: worst('twoWorkersAfterEndS'),
};
function worst(key: 'sixWorkersAfterMs' | 'waitsBackAfterS' | 'worstP95Ms' | 'twoWorkersAfterEndS'): number {
  return Math.max(...rounds.map((one) => one[key] ?? never));
}
console.log(table);
const file = join(import.meta.dirname, 'results/scaling.json');
writeFileSync(file, `${JSON.stringify({ machine: machineFacts(), table, rounds })}\n`);
process.exit(0);
