import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { labelsOf, type SeriesKind } from '../../src/kernel/series.ts';
import { sketchCount } from '../../src/kernel/sketch.ts';
import { unpackPoints } from '../../src/store/sqlite/inside/metric-points.ts';
import { addToCounts, countsOf, mergeCounts, noCounts } from '../../src/store/sqlite/inside/minute-rows.ts';
import { APPLICATION_ID, MIGRATIONS } from '../../src/store/sqlite/inside/schema.ts';
import type { AggregateSpan } from '../../src/telemetry/ports.ts';
import { killedWhileBusy } from './crash.ts';
import { cleaningUp, folder, storeAt } from './folder.ts';
import { added, claimed, done, failed, HOUR, MINUTE, T0 } from './laws/world.ts';

cleaningUp();

const EVER = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** What the rows of jobs and attempts say, and what was counted of them in minutes. */
function bothCounts(file: string) {
  const db = new DatabaseSync(file, { readOnly: true });
  const jobs = db.prepare(`SELECT count(*) AS done FROM job WHERE state = 'done'`).get() as { done: number };
  const rows = db.prepare('SELECT done, durations, lateness FROM minute_count').all() as {
    done: number;
    durations: string;
    lateness: string;
  }[];
  const points = db
    .prepare(
      `SELECT s.name, s.labels, s.kind, p.points FROM metric_points p JOIN metric_series s ON s.id = p.series WHERE p.span = 60000`,
    )
    .all() as unknown as { name: string; labels: string; kind: SeriesKind; points: Uint8Array }[];
  const claimed = db.prepare('SELECT count(*) AS count FROM job WHERE attempt > 0').get() as { count: number };
  db.close();
  const counts = noCounts();
  for (const row of rows) mergeCounts(counts, countsOf({ ...row, dead: 0, failedAttempts: 0, memoryPeak: null }));
  for (const { name, labels, kind, points: bytes } of points) {
    for (const { value } of unpackPoints(bytes, kind)) addToCounts(counts, name, labels, value);
  }
  return {
    ofRows: { done: jobs.done, durations: jobs.done, claimed: claimed.count },
    counted: {
      done: counts.done,
      durations: sketchCount(counts.durations),
      claimed: sketchCount(counts.lateness),
    },
    isSeries: points.length > 0,
  };
}

test('after a kill at any moment, the minutes have counted every end that is in the store, and no other', async () => {
  const file = join(folder(), 'store.db');
  for (let round = 0; round < 5; round++) {
    await killedWhileBusy(file, 1 + Math.floor(Math.random() ** 2 * 2_000));
    const { ofRows, counted } = bothCounts(file);
    expect(counted).toEqual(ofRows);
  }
  // Counts that became series are neither lost nor counted twice.
  const store = storeAt(file);
  await store.start();
  while (await store.rollUpMetrics(Date.now() + HOUR, 50));
  await store.stop();
  const { ofRows, counted, isSeries } = bothCounts(file);
  expect(counted).toEqual(ofRows);
  expect(isSeries).toBe(true);
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
  while (await store.rollUpMetrics(now, 100));
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

test('ends are series by version, also those of the minute that goes on', async () => {
  const store = storeAt(join(folder(), 'store.db'));
  await store.start();
  async function endsOf(minute: number) {
    const at = T0 + minute * MINUTE;
    await added(store, [{}, {}], at);
    const [one, two] = await claimed(store, 2, at);
    await store.settle([
      done(one!, { startedAt: at, finishedAt: at + 9 }),
      failed(two!, { startedAt: at, finishedAt: at }),
    ]);
  }
  await endsOf(0);
  while (await store.rollUpMetrics(T0 + MINUTE, 1));
  await endsOf(1);
  const series = await store.metrics({ span: 'hour', from: T0, to: T0 + HOUR, agent: 'a' });
  const sums = series.map(({ name, labels, points }) => [name, labelsOf(labels), points.map(({ value }) => value.sum)]);
  const { version } = labelsOf(series[0]!.labels);
  expect(version).toMatch(/./);
  expect(sums.slice(0, 2)).toEqual([
    ['attempts', { version, outcome: 'dead' }, [2]],
    ['attempts', { version, outcome: 'done' }, [2]],
  ]);
  expect(sums.slice(2).map(([name, labels]) => [name, labels])).toEqual([['duration', { version }]]);
});

/** What a store of schema 20 held of `a`: a day, its last hour, a minute of now, and what the meter had measured beside them. */
function storeOfSchema20(file: string): void {
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA journal_mode = WAL; ${MIGRATIONS.slice(0, 20).join('\n')};
    PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 20`);
  const put = db.prepare(`INSERT INTO aggregate VALUES (?, ?, 'a', ?, ?, ?, ?, ?, ?)`);
  put.run(DAY, DAY_OF_T0, 30, 2, 5, '[200,29,210,1]', '[0,32]', 900);
  put.run(DAY, DAY_OF_T0 + DAY, 4, 0, 0, '[200,4]', '[]', null);
  put.run(HOUR, DAY_OF_T0 + DAY, 3, 0, 0, '[200,3]', '[]', null);
  put.run(MINUTE, DAY_OF_T0 + DAY + HOUR, 1, 0, 0, '[200,1]', '[]', 7);
  const series = db.prepare('INSERT INTO metric_series VALUES (?, ?, ?, ?, ?, ?)');
  const day = DAY_OF_T0 / DAY;
  series.run(1, 'a', 'duration', '[["version","v1"]]', 'histogram', day);
  series.run(2, 'a', 'context.took', '', 'histogram', day);
  series.run(3, 'a', 'calls', '', 'counter', day);
  const points = db.prepare('INSERT INTO metric_points VALUES (?, ?, ?, ?)');
  const took = [5, 4 * 100, 2, 2 * 100 + 1, 7, 2 * 3];
  const month = DAY_OF_T0 - (DAY_OF_T0 % (32 * DAY));
  points.run(MINUTE, DAY_OF_T0, 1, Uint8Array.from([0, 4, 1, 2]));
  points.run(MINUTE, DAY_OF_T0, 2, Uint8Array.from(took.flatMap(wholeOf)));
  points.run(DAY, month, 3, Uint8Array.from([(DAY_OF_T0 - month) / DAY, 4 * 9]));
  db.close();
}

const DAY = 24 * HOUR;
const DAY_OF_T0 = T0 - (T0 % DAY);
const wholeOf = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...wholeOf(Math.floor(value / 128))];

test('what a store of before counted beside its meter is carried over to the series', async () => {
  const file = join(folder(), 'store.db');
  storeOfSchema20(file);
  const store = storeAt(file);
  await store.start();
  const days = await store.aggregates({ span: 'day', from: DAY_OF_T0, to: DAY_OF_T0 + 2 * DAY });
  expect(days).toMatchObject([
    { done: 30, dead: 2, failedAttempts: 5, lateMaxMs: 0, memoryPeakBytes: 900 },
    { done: 4, dead: 0, memoryPeakBytes: 7 },
  ]);
  expect(days[0]!.p50Ms).toBe(days[1]!.p50Ms);
  const hours = await store.aggregates({ span: 'hour', from: DAY_OF_T0, to: DAY_OF_T0 + 2 * DAY });
  expect(hours.map(({ start, done }) => [start - DAY_OF_T0 - DAY, done])).toEqual([
    [0, 3],
    [HOUR, 1],
  ]);
  const [took] = await store.metrics({ span: 'minute', ...EVER, name: 'context.took' });
  const sketch = new Map([
    [100, 7],
    [103, 1],
  ]);
  expect(took!.points).toEqual([{ at: DAY_OF_T0 + 5 * MINUTE, value: { kind: 'histogram', sum: 100, sketch } }]);
  const [calls] = await store.metrics({ span: 'day', ...EVER, name: 'calls' });
  expect(calls!.points).toEqual([{ at: DAY_OF_T0, value: { kind: 'counter', sum: 9 } }]);
});
