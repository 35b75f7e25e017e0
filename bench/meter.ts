/**
 * What the meter costs: `node bench/meter.ts [days]` (default 2). 100 agents with a job a minute each, in a store of its own.
 *
 * - the time of the processor for a minute of readings of 100 workers and of ends, as a share of a core;
 * - the time of the store's thread for the minute that is written, as a share of a core;
 * - the bytes of the store after a year, with and without what the store counts itself (`aggregate`): minutes of two days and the hours of the
 *   last whole day are measured by injected time, and that day stands for the 90 days of hours and for the days of the year.
 *
 * Writes bench/results/meter.json.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/kernel/measures.ts';
import { addToSketch } from '../src/kernel/sketch.ts';
import { aggregateRows, noCounts } from '../src/store/sqlite/inside/aggregate-rows.ts';
import { metricWrites } from '../src/store/sqlite/inside/metric-writes.ts';
import { MIGRATIONS } from '../src/store/sqlite/inside/schema.ts';
import { createMeter } from '../src/telemetry/meter/meter.ts';

const AGENTS = 100;
const READINGS = 60;
const days = Number(process.argv[2] ?? 2);
const KEPT = { hours: 90, days: 365 };
const T0 = Date.UTC(2026, 0, 1);

let now = T0;
let seed = 1;
/** A number of 0 … 1, the same in each run. */
function chance(): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
}

const meter = createMeter(() => now);

/** A minute as a host measures it: an end, a call and 60 readings of each agent, and the levels of the host. */
function measureMinute() {
  for (let at = 0; at < AGENTS; at++) {
    const agent = `agent-${at}`;
    const version = `v${Math.floor((now - T0) / (7 * DAY_MS))}`;
    const failed = chance() < 0.02;
    meter.count('attempts', { agent, labels: { version, outcome: failed ? 'retrying' : 'done' } });
    if (!failed) meter.time('duration', { agent, labels: { version } }, Math.exp(5 + 0.6 * (chance() + chance() - 1)));
    meter.count('calls', { agent, labels: { origin: 'https://api.example.com', end: 'good' } });
    if (at < 30) meter.count('models.calls', { agent });
    if (at < 30) meter.count('models.tokens', { agent }, Math.round(500 + 2_000 * chance()));
    for (let reading = 0; reading < READINGS; reading++) meter.count('cpu', { agent }, 3 * chance());
    if (at < 20) meter.count('context.orders', { agent, labels: { shop: 'north' } }, 1 + Math.round(9 * chance()));
  }
  for (const name of ['workers', 'workers.busy', 'jobs.waiting', 'cells'])
    meter.gauge(name, {}, Math.round(100 * chance()));
  for (const name of ['cells.memory', 'host.memory', 'store.size', 'log.size', 'disk.free'])
    meter.gauge(name, {}, Math.round(1e9 * chance()));
  for (const resource of ['cpu', 'memory', 'io'])
    meter.gauge('pressure', { labels: { resource } }, Math.round(1_000 * chance()) / 100);
  for (let call = 0; call < 300; call++) meter.time('store.latency', {}, 1 + 4 * chance());
  meter.count('host.cpu', {}, Math.round(2_000 * chance()));
}

const folder = mkdtempSync(join(tmpdir(), 'daruma-meter-'));
const file = join(folder, 'store.db');
const db = new DatabaseSync(file);
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${MIGRATIONS.join(';')}`);
const store = metricWrites(db);
const cost = { host: 0, store: 0, minutes: 0 };

function timed(part: 'host' | 'store', run: () => void) {
  const began = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(began);
  cost[part] += (user + system) / 1_000;
}

for (let minute = 0; minute <= days * 24 * 60; minute++) {
  timed('host', measureMinute);
  now += MINUTE_MS;
  timed('store', () => {
    db.exec('BEGIN');
    store.putMetrics(meter.take());
    while (store.rollUpMetrics(now, 200));
    if (minute % 60 === 0)
      store.pruneMetrics({ minute: now - 2 * DAY_MS, hour: now - 90 * DAY_MS, day: now - 730 * DAY_MS });
    db.exec('COMMIT');
  });
  cost.minutes += 1;
}
/** The last whole day again and again, as rows of 90 days of hours and of a year of days. */
function repeatDay() {
  const day = now - DAY_MS - (now % DAY_MS);
  const copy = db.prepare(
    'INSERT OR IGNORE INTO metric_points SELECT span, start - ?, series, points FROM metric_points WHERE span = ? AND start = ?',
  );
  for (let back = 1; back < KEPT.hours; back++) copy.run(back * DAY_MS, HOUR_MS, day);
  const points = db.prepare('SELECT series, points FROM metric_points WHERE span = ?').all(DAY_MS) as {
    series: number;
    points: Uint8Array;
  }[];
  const put = db.prepare('INSERT OR REPLACE INTO metric_points VALUES (?, ?, ?, ?)');
  for (let month = 0; month < KEPT.days / 32; month++) {
    for (const { series, points: one } of points) put.run(DAY_MS, month, series, Buffer.concat(Array(32).fill(one)));
  }
}

/** The sums that the store itself counts, of a year. */
function countAggregates() {
  const rows = aggregateRows(db);
  const spans = [
    [MINUTE_MS, 2 * 24 * 60, 1],
    [HOUR_MS, KEPT.hours * 24, 60],
    [DAY_MS, KEPT.days, 24 * 60],
  ] as const;
  for (const [span, count, jobs] of spans) {
    for (let at = 0; at < count * AGENTS; at++) {
      const counts = { ...noCounts(), done: jobs, memoryPeak: Math.round(1e8 * chance()) };
      for (let job = 0; job < jobs; job++) {
        addToSketch(counts.durations, Math.exp(5 + 0.6 * (chance() + chance() - 1)));
        addToSketch(counts.lateness, 30 * chance());
      }
      rows.put(span, Math.floor(at / AGENTS) * span, `agent-${at % AGENTS}`, counts);
    }
  }
}

function bytesOf(run: () => void): number {
  db.exec('BEGIN');
  run();
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  return statSync(file).size;
}

const meterBytes = bytesOf(repeatDay);
const allBytes = bytesOf(countAggregates);
const rows = db
  .prepare('SELECT span, count(*) AS rows, sum(length(points)) AS bytes FROM metric_points GROUP BY span')
  .all();
db.close();
const share = (ms: number) => Math.round((ms / cost.minutes / MINUTE_MS) * 100_000) / 1_000;
const result = {
  ...{
    agents: AGENTS,
    days,
    node: process.version,
    meterBytesOfAYear: meterBytes,
    withAggregatesBytesOfAYear: allBytes,
    rows,
  },
  coreShareInPercent: { host: share(cost.host), store: share(cost.store) },
};
rmSync(folder, { recursive: true, force: true });
writeFileSync(new URL('./results/meter.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
