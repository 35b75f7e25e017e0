/**
 * The store alone: jobs a second for add, claim and settle with 1, 16, 256 and 1,024 jobs in flight, on an empty
 * store and on one with a million finished jobs, beside bare node:sqlite. Everything is flushed to disk before it counts.
 *
 *   npm run build && npx tsx bench/store.ts [--quick]
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { silentLog } from '../src/kernel/log.ts';
import { machineTime } from '../src/kernel/time.ts';
import type { Store } from '../src/store/ports.ts';
import { createSqliteStore } from '../src/store/sqlite/store.ts';

const quick = process.argv.includes('--quick');
const FINISHED = quick ? 100_000 : 1_000_000;
const SECONDS = quick ? 0.7 : 3;
const IN_FLIGHT = [1, 16, 256, 1_024];
const JOB = { agent: 'noop', trigger: 'manual', input: '{"n":12345}', attempts: 3 } as const;

interface Figures {
  inFlight: number;
  add: number;
  claim: number;
  settle: number;
  wholeJob: number;
  hostMicroseconds: number;
  allMicroseconds: number;
}

const folder = mkdtempSync(join(tmpdir(), 'daruma-bench-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const yardstick = Object.fromEntries(IN_FLIGHT.map((rows) => [rows, bare(rows)]));
  const empty: Figures[] = [];
  for (const inFlight of [256, ...IN_FLIGHT]) {
    const store = await opened(`empty-${inFlight}-${empty.length}.db`);
    empty.push(await round(store, inFlight, SECONDS));
    await store.stop();
  }
  // The first was there to warm up.
  empty.shift();
  const store = await opened('full.db');
  await fill(store, FINISHED);
  const full: Figures[] = [];
  for (const inFlight of IN_FLIGHT) full.push(await round(store, inFlight, SECONDS));
  const { bytes } = await store.health();
  await store.stop();

  console.log(`bare node:sqlite, rows a second by group: ${JSON.stringify(yardstick)}`);
  console.log('\nempty store');
  console.table(empty);
  console.log(`${FINISHED.toLocaleString('en')} finished jobs (${Math.round(bytes / 1e6)} MB)`);
  console.table(full);
  const machine = `${cpus().length} × ${cpus()[0]!.model}, Node ${process.version}`;
  const result = { machine, seconds: SECONDS, finishedJobs: FINISHED, bareRowsPerSecond: yardstick, empty, full };
  writeFileSync(join(import.meta.dirname, 'results/store.json'), `${JSON.stringify(result, null, 2)}\n`);
}

async function opened(name: string): Promise<Store> {
  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file: join(folder, name) });
  await store.start();
  return store;
}

/** The closed loops of one number of jobs in flight, one after the other. */
async function round(store: Store, inFlight: number, seconds: number): Promise<Figures> {
  const add = await perSecond(seconds, inFlight, async () => {
    await store.add([JOB]);
    return 1;
  });
  const taken: { job: string; attempt: number }[] = [];
  const claim = await perSecond(seconds, 1, async () => {
    const batch = await claimSome(store, inFlight);
    for (const one of batch) taken.push(one);
    return batch.length;
  });
  const settle = await perSecond(seconds, inFlight, async () => {
    const one = taken.pop();
    if (one) await store.settle([ended(one)]);
    return one ? 1 : 0;
  });
  while (taken.length > 0) await store.settle(taken.splice(-1_000).map(ended));
  await drain(store);
  const cpuBefore = process.cpuUsage();
  const busyBefore = performance.eventLoopUtilization();
  const began = performance.now();
  const wholeJob = await wholeJobs(store, inFlight, seconds);
  const jobs = (wholeJob * (performance.now() - began)) / 1_000;
  const busy = performance.eventLoopUtilization(busyBefore);
  const cpu = process.cpuUsage(cpuBefore);
  return {
    inFlight,
    add: Math.round(add),
    claim: Math.round(claim),
    settle: Math.round(settle),
    wholeJob: Math.round(wholeJob),
    hostMicroseconds: round2((busy.active * 1_000) / jobs),
    allMicroseconds: round2((cpu.user + cpu.system) / jobs),
  };
}

/** Jobs through add → claim → settle, with `inFlight` of them under way: claimed in batches, as the dispatcher does. */
async function wholeJobs(store: Store, inFlight: number, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  const began = performance.now();
  let underWay = 0;
  let finished = 0;
  let claiming = false;
  let wanted = false;
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown) => reject(error);
    const feed = (count: number) => {
      for (let i = 0; i < count; i++) {
        underWay++;
        store.add([JOB]).then(wake, fail);
      }
    };
    const wake = () => {
      wanted = true;
      if (!claiming) claimAll().catch(fail);
    };
    const claimAll = async () => {
      claiming = true;
      while (wanted) {
        wanted = false;
        const batch = await claimSome(store, inFlight);
        if (batch.length === inFlight) wanted = true;
        if (batch.length > 0) store.settle(batch.map(ended)).then((kept) => over(kept.length), fail);
      }
      claiming = false;
    };
    const over = (count: number) => {
      finished += count;
      underWay -= count;
      if (performance.now() < until) feed(count);
      else if (underWay === 0) resolve();
    };
    feed(inFlight);
  });
  return (finished * 1_000) / (performance.now() - began);
}

const LEASE = { owner: { host: 'host', run: '1' }, leaseMs: 60_000 };

async function claimSome(store: Store, limit: number) {
  const [answer] = await store.claim([{ agent: JOB.agent, version: 'abcdef123456', limit }], LEASE);
  return answer!.assignments;
}

function ended({ job, attempt }: { job: string; attempt: number }) {
  const now = Date.now();
  return { job, attempt, state: 'done' as const, startedAt: now - 1, finishedAt: now, result: 'null', worker: 'w1' };
}

async function drain(store: Store): Promise<void> {
  for (;;) {
    const batch = await claimSome(store, 2_000);
    if (batch.length === 0) return;
    await store.settle(batch.map(ended));
  }
}

async function fill(store: Store, jobs: number): Promise<void> {
  for (let left = jobs; left > 0; left -= 5_000) {
    await store.add(
      Array.from({ length: 5_000 }, (_, i) => ({ ...JOB, agent: i % 2 ? JOB.agent : `agent-${i % 50}` })),
    );
    const requests = [JOB.agent, ...Array.from({ length: 25 }, (_, i) => `agent-${i * 2}`)].map((agent) => ({
      agent,
      version: 'abcdef123456',
      limit: 5_000,
    }));
    const answers = await store.claim(requests, LEASE);
    await store.settle(answers.flatMap(({ assignments }) => assignments).map(ended));
  }
}

async function perSecond(seconds: number, lanes: number, once: () => Promise<number>): Promise<number> {
  const began = performance.now();
  let count = 0;
  const lane = async () => {
    while (performance.now() - began < seconds * 1_000) {
      const more = await once();
      if (more === 0) return;
      count += more;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (count * 1_000) / (performance.now() - began);
}

/** The yardstick: one table, one index, one insert a row, groups of `rows` flushed to disk, in this thread. */
function bare(rows: number): number {
  const db = new DatabaseSync(join(folder, `bare-${rows}.db`));
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE job (id INTEGER PRIMARY KEY, agent, input)',
  );
  db.exec('CREATE INDEX job_agent ON job (agent)');
  const insert = db.prepare('INSERT INTO job (agent, input) VALUES (?, ?)');
  const began = performance.now();
  let count = 0;
  while (performance.now() - began < SECONDS * 500) {
    db.exec('BEGIN IMMEDIATE');
    for (let i = 0; i < rows; i++) insert.run(JOB.agent, JOB.input);
    db.exec('COMMIT');
    count += rows;
  }
  const result = Math.round((count * 1_000) / (performance.now() - began));
  db.close();
  return result;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
