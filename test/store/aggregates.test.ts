import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { sketchCount, sketchOf } from '../../src/kernel/sketch.ts';
import { APPLICATION_ID, MIGRATIONS } from '../../src/store/sqlite/inside/schema.ts';
import type { AggregateSpan } from '../../src/telemetry/ports.ts';
import { killedWhileBusy } from './crash.ts';
import { cleaningUp, folder, storeAt } from './folder.ts';
import { HOUR, MINUTE } from './laws/world.ts';

cleaningUp();

const EVER = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** What the rows of jobs and attempts say, and what was counted of them in minutes. */
function bothCounts(file: string) {
  const db = new DatabaseSync(file, { readOnly: true });
  const jobs = db.prepare(`SELECT count(*) AS done FROM job WHERE state = 'done'`).get() as { done: number };
  const rows = db.prepare('SELECT done, durations, lateness FROM aggregate WHERE span = 60000').all() as {
    done: number;
    durations: string;
    lateness: string;
  }[];
  const claimed = db.prepare('SELECT count(*) AS count FROM job WHERE attempt > 0').get() as { count: number };
  db.close();
  const counted = (name: 'durations' | 'lateness') =>
    rows.reduce((sum, row) => sum + sketchCount(sketchOf(row[name])!), 0);
  return {
    ofRows: { done: jobs.done, durations: jobs.done, claimed: claimed.count },
    counted: {
      done: rows.reduce((sum, row) => sum + row.done, 0),
      durations: counted('durations'),
      claimed: counted('lateness'),
    },
  };
}

test('after a kill at any moment, the minutes have counted every end that is in the store, and no other', async () => {
  const file = join(folder(), 'store.db');
  for (let round = 0; round < 5; round++) {
    await killedWhileBusy(file, 1 + Math.floor(Math.random() ** 2 * 2_000));
    const { ofRows, counted } = bothCounts(file);
    expect(counted).toEqual(ofRows);
  }
});

/** A store of a schema without aggregates: `jobs` that ended one after the other, the newest an hour ago, every tenth dead after a retry. */
function storeOfBefore(file: string, jobs: number, everyMs: number): { end: number } {
  const db = new DatabaseSync(file);
  const schema = 6;
  db.exec(`PRAGMA journal_mode = WAL; ${MIGRATIONS.slice(0, schema).join('\n')};
    PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${schema}; BEGIN`);
  const end = Date.now() - HOUR;
  const insert = db.prepare(`
    INSERT INTO job (agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, started_at, finished_at)
    VALUES ('a', ?, 'manual', 0, 1, 3, 3, ?, ?, ?, ?)`);
  const fail = db.prepare(`INSERT INTO attempt (job, attempt, agent, started_at, finished_at, fault)
    VALUES (?, ?, 'a', ?, ?, '{"code":"X","message":"x"}')`);
  for (let job = 1; job <= jobs; job++) {
    const at = end - (jobs - job) * everyMs;
    const isDead = job % 10 === 0;
    insert.run(isDead ? 'dead' : 'done', at - 100, at - 100, at - 100, at);
    if (isDead) for (const attempt of [1, 2]) fail.run(job, attempt, at - 100, at);
  }
  insert.run('queued', end, end, null, null);
  db.exec('COMMIT');
  db.close();
  return { end };
}

test('jobs of before are summed up once, in bounded steps, over a kill and beside new ones', async () => {
  const file = join(folder(), 'store.db');
  const count = 2_000;
  // Some 83 days: most go to hours at once, those of the last two days to minutes.
  storeOfBefore(file, count, HOUR);
  let store = storeAt(file);
  await store.start();
  let steps = 0;
  while (await store.sumUpPast(150)) {
    steps++;
    // A host that is killed between two steps goes on after the last.
    if (steps % 4 === 0) {
      await store.stop();
      store = storeAt(file);
      await store.start();
    }
  }
  expect(steps).toBe(Math.floor(count / 150));
  expect(await store.sumUpPast(150)).toBe(false);
  const now = Date.now();
  for (let back = 47; back >= 0; back--) await store.rollUp('hour', now - back * HOUR);
  for (let back = 89; back >= 0; back--) await store.rollUp('day', now - back * 24 * HOUR);
  const whole = { done: count * 0.9, dead: count * 0.1, failedAttempts: count * 0.2, p95Ms: expect.closeTo(100, -1) };
  for (const span of ['hour', 'day'] satisfies AggregateSpan[]) {
    expect(await store.aggregateSums({ span, ...EVER }), span).toMatchObject([{ agent: 'a', ...whole }]);
  }
  const minutes = await store.aggregates({ span: 'minute', ...EVER });
  expect(minutes.length).toBeGreaterThan(45);
  expect(minutes.every(({ start }) => start > now - 49 * HOUR && start % MINUTE === 0)).toBe(true);
});

test('a store without jobs has nothing of before', async () => {
  const store = storeAt(join(folder(), 'store.db'));
  await store.start();
  expect(await store.sumUpPast(1)).toBe(false);
  expect(await store.aggregateSums({ span: 'day', ...EVER })).toEqual([]);
});
