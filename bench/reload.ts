/**
 * Reloads under load: one agent takes 500 jobs a second while its plugin is saved again and again, each time as another
 * version. Every run writes its job, its version's mark and its time into a file; afterwards that file, the store's jobs
 * and the kept versions are compared: jobs lost, run twice, run on another version than the one on record. Then versions
 * that fail are saved, and the time from the decision to roll back to the next run on the good one is taken.
 *
 * The cost of reloads in memory: the host, a process of its own, first takes the same jobs without a reload until its memory
 * has settled, `--warm-rate` of them a second to get there sooner. Then the load without a reload, the reloads, and as long
 * again without one, the control. 15 s after each of the three, under the same load, the resident memory is sampled 40 times.
 * What V8 has not collected yet makes those samples swing by a fifth, with or without reloads; so the host is made to collect
 * as well, 7 times, and it is the memory after that which tells what reloads leave behind.
 *
 *     npx tsx bench/reload.ts [--reloads 200] [--rate 500] [--rollbacks 20] [--warm <minutes at most> 15]
 *       [--warm-rate 2000] [--window <seconds> 30] [--to reload.json]
 *
 * Takes the warm-up (about 5 minutes), and 6 more. Writes bench/results/reload.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machineFacts, median } from './machine.ts';
import { lastRolledBack, recordsOf, saveBusy, versionNow } from './reload/busy.ts';
import { makeInstallation, openDaruma } from './reload/daruma-host.ts';
import { openRunRecord } from './reload/ledger.ts';
import { startLoad } from './reload/load.ts';
import {
  COLLECTIONS,
  collecting,
  type Memory,
  memoryOf,
  type Reading,
  reading,
  SAMPLES,
  warmed,
} from './reload/memory.ts';
import { openWorld, until } from './world.ts';

const { values } = parseArgs({
  options: {
    reloads: { type: 'string', default: '200' },
    rate: { type: 'string', default: '500' },
    rollbacks: { type: 'string', default: '20' },
    warm: { type: 'string', default: '15' },
    'warm-rate': { type: 'string', default: '2000' },
    window: { type: 'string', default: '30' },
    to: { type: 'string', default: 'reload.json' },
  },
});
const [reloads, perSecond, rollbacks] = [values.reloads, values.rate, values.rollbacks].map(Number) as number[];
const windowMs = Number(values.window) * 1_000;
const WITHIN_MS = 30_000;
const SETTLE_MS = Math.min(15_000, windowMs);
const USUAL_RELOAD_MS = 300;
/** Of each other: the memory in three windows running. */
const SETTLED_WITHIN = 0.01;

const world = openWorld('reload');
const { folder } = world;
makeInstallation(folder);
saveBusy(folder, 'v0');
const runRecord = openRunRecord(join(folder, 'out/ran.txt'));
const { options, env } = collecting(folder);
const daruma = await openDaruma(world, options, env);
const { client, pid } = daruma;
const accepted: string[] = [];
const marks = new Map<string, string>();
let refused = 0;

async function waited(what: string, holds: () => boolean | Promise<boolean>) {
  if (!(await until(WITHIN_MS, holds))) throw new Error(`waited in vain until ${what}`);
}

try {
  await waited('the first job runs', async () => {
    await client.ask('run', { agent: 'busy' }).then(({ id }) => accepted.push(id));
    runRecord.look();
    return runRecord.first.has('v0');
  });
  marks.set((await versionNow(client)).id, 'v0');
  const load = startLoad(Number(values['warm-rate']), () =>
    client.ask('run', { agent: 'busy' }).then(
      ({ id }) => void accepted.push(id),
      () => void refused++,
    ),
  );
  const warmUp = await warmed(pid, folder, { windowMs, within: SETTLED_WITHIN, mostMs: Number(values.warm) * 60_000 });
  const jobsOfWarmUp = accepted.length;
  const begun = performance.now();
  load.rate = perSecond!;
  // As far from the last collection as the readings that follow.
  await withoutReloads(reloads! * USUAL_RELOAD_MS);
  const before = await reading(pid, folder, SETTLE_MS);

  const toFirstJob: number[] = [];
  const reloading = performance.now();
  for (let at = 1; at <= reloads!; at++) {
    const mark = `v${at}`;
    const saved = Date.now();
    saveBusy(folder, mark);
    await waited(`${mark} runs`, () => {
      runRecord.look();
      return runRecord.first.has(mark);
    });
    toFirstJob.push(runRecord.first.get(mark)! - saved);
    marks.set((await versionNow(client)).id, mark);
    if (at % 20 === 0)
      process.stderr.write(`${at} reloads, ${accepted.length} jobs, ${JSON.stringify(mbOf(memoryOf(pid)))}\n`);
  }
  const reloadsMs = performance.now() - reloading;
  const afterReloads = await reading(pid, folder, SETTLE_MS);
  await withoutReloads(reloadsMs);
  const afterControl = await reading(pid, folder, SETTLE_MS);
  const jobsPerSecond = Math.round(((accepted.length - jobsOfWarmUp) / (performance.now() - begun)) * 1_000);

  // Rollbacks, at a lower rate: the newest version has proved itself.
  load.rate = Math.min(100, perSecond!);
  const goodMark = `v${reloads}`;
  await waited('the newest version is good', async () => (await versionNow(client)).rollout === 'good');
  const { id: good } = await versionNow(client);
  const toGood: number[] = [];
  for (let at = 1; at <= rollbacks!; at++) {
    saveBusy(folder, `bad${at}`, true);
    const last = lastRolledBack(folder);
    await waited(`bad${at} is rolled back`, async () => {
      runRecord.look();
      return runRecord.first.has(`bad${at}`) && (await versionNow(client)).id === good;
    });
    await waited('the log says so', () => lastRolledBack(folder) !== last);
    const decided = Date.parse(lastRolledBack(folder)!);
    const since = () => runRecord.begun.slice(-2_000).filter((one) => one.mark === goodMark && one.at >= decided);
    await waited('the good one runs', () => {
      runRecord.look();
      return since().length > 0;
    });
    toGood.push(Math.min(...since().map((one) => one.at)) - decided);
  }
  await load.stop();
  await waited('all jobs have ended', async () => {
    const left = await client.ask('jobs', { agent: 'busy', states: ['queued', 'running', 'retrying'], limit: 1 });
    return left.length === 0;
  });
  runRecord.look();

  const records = await recordsOf(client);
  const done = new Map(records.flatMap((one) => (one.state === 'done' ? [[one.id, one]] : [])));
  const runs = runRecord.begun.filter(({ mark }) => mark.startsWith('v'));
  const timesRun = new Map<string, number>();
  for (const { job } of runs) timesRun.set(job, (timesRun.get(job) ?? 0) + 1);
  const mixed = runs.filter(({ job, mark }) => {
    const record = done.get(job);
    return !record || record.result !== mark || (marks.get(record.version ?? '') ?? mark) !== mark;
  });
  const result = {
    what: `${reloads} reloads under ${perSecond} jobs a second, then ${rollbacks} rollbacks under ${load.rate}`,
    ...machineFacts(),
    jobs: accepted.length,
    jobsPerSecond,
    refused,
    lost: accepted.filter((id) => !done.has(id)).length,
    runTwice: [...timesRun.values()].filter((times) => times > 1).length,
    mixedVersions: mixed.length,
    saveToFirstJobMs: figures(toFirstJob),
    rolledBackToServingMs: figures(toGood),
    deadLetters: records.filter(({ state }) => state === 'dead').length,
    memory: {
      how: `warmed up with ${values['warm-rate']} jobs a second until three windows of ${values.window} s were within 1 % of each other; then ${perSecond} a second: a time without reloads, ${reloads} reloads, as long without; each time ${SAMPLES} samples 15 s later, then ${COLLECTIONS} after a collection`,
      warmUp: {
        seconds: Math.round(warmUp.tookMs / 1_000),
        jobs: jobsOfWarmUp,
        isSettled: warmUp.isSettled,
        hostMb: warmUp.resident.map(mb),
      },
      secondsOfReloads: Math.round(reloadsMs / 1_000),
      hostCollected: growthOf([before, afterReloads, afterControl].map(({ collected }) => collected.resident)),
      heapCollected: growthOf([before, afterReloads, afterControl].map(({ collected }) => collected.data)),
      compiledCode: growthOf([before, afterReloads, afterControl].map(({ collected }) => collected.code)),
      hostSeen: seenOf('host', [before, afterReloads, afterControl]),
      cellsSeen: seenOf('cells', [before, afterReloads, afterControl]),
    },
  };
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results', values.to), `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  await daruma.stop();
  world.end();
}

/** The load alone. Asks as often for the version as the reloads do, and differs in the saves. */
async function withoutReloads(forMs: number) {
  for (let at = 1; at <= reloads!; at++) {
    await sleep(forMs / reloads!);
    runRecord.look();
    await versionNow(client);
  }
}

/** Before the reloads, after them, after the control. */
function growthOf(bytes: readonly number[]) {
  const [before, reloaded, controlled] = bytes as [number, number, number];
  const percent = (first: number, last: number) => Math.round((last / first - 1) * 1_000) / 10;
  return {
    beforeMb: mb(before),
    afterReloadsMb: mb(reloaded),
    afterControlMb: mb(controlled),
    reloadsPercent: percent(before, reloaded),
    controlPercent: percent(reloaded, controlled),
  };
}

function seenOf(whose: keyof Memory, readings: readonly Reading[]) {
  return {
    median: growthOf(readings.map(({ seen }) => seen.median[whose])),
    least: growthOf(readings.map(({ seen }) => seen.least[whose])),
  };
}

function figures(took: readonly number[]) {
  const sorted = took.toSorted((a, b) => a - b);
  return { median: median(took), least: sorted[0], p95: sorted[Math.floor(sorted.length * 0.95)], most: sorted.at(-1) };
}

function mb(bytes: number): number {
  return Math.round((bytes / 1024 ** 2) * 10) / 10;
}

function mbOf({ host, cells }: Memory): Memory {
  return { host: mb(host), cells: mb(cells) };
}
