/**
 * What the meter costs: `node bench/meter.ts [days]` (days by minutes, default 2). 100 agents with a job a minute each, in a store of its own.
 *
 * - the time of the processor for a minute of readings of 100 workers and of ends, as a share of a core;
 * - the time of the store's thread for the minute that is written, as a share of a core;
 * - the bytes of the store after a year, by table. A year goes by in injected time, through the same calls as in a host: counts of ends, series of
 *   the meter, roll-ups, and what is deleted. Days that are kept as days are measured in one minute each, hours that are kept as hours in one
 *   minute each: the sums are those of 1,440 and of 60 jobs. Agents change their version each week.
 *
 * Writes bench/results/meter.json.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/kernel/measures.ts';
import { metricWrites } from '../src/store/sqlite/inside/metric-writes.ts';
import { minuteCounts } from '../src/store/sqlite/inside/minutes.ts';
import { MIGRATIONS } from '../src/store/sqlite/inside/schema.ts';
import { createMeter } from '../src/telemetry/meter/meter.ts';

const AGENTS = 100;
const READINGS = 60;
const YEAR_DAYS = 365;
const HOURS_OF_DAYS = 90;
const minuteDays = Number(process.argv[2] ?? 2);
const T0 = Date.UTC(2026, 0, 1);

let now = T0;
let seed = 1;
/** A number of 0 … 1, the same in each run. */
function chance(): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
}

const folder = mkdtempSync(join(tmpdir(), 'daruma-meter-'));
const file = join(folder, 'store.db');
const db = new DatabaseSync(file);
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${MIGRATIONS.join(';')}`);
const minutes = minuteCounts(db);
const store = metricWrites(db, minutes);
const meter = createMeter(() => now);
const versions = () => `v${Math.floor((now - T0) / (7 * DAY_MS))}`;

/** The ends of `jobs` jobs of each agent, as the store counts them, and the most memory of its workers. */
function countEnds(jobs: number) {
  for (let at = 0; at < AGENTS; at++) {
    const of = { agent: `agent-${at}`, version: versions() };
    for (let job = 0; job < jobs; job++) {
      const took = Math.round(Math.exp(5 + 0.6 * (chance() + chance() - 1)));
      minutes.late(of, now, Math.floor(30 * chance()));
      minutes.count(chance() < 0.02 ? 'retrying' : 'done', of, now - took, now);
    }
    minutes.memory(of.agent, now, Math.round(1e8 * (0.5 + 0.5 * chance())));
  }
}

/** What a host measures of `jobs` jobs of each agent: calls, tokens, processor time, a counter of its author; and the levels of the host. */
function measure(jobs: number, readings: number) {
  for (let at = 0; at < AGENTS; at++) {
    const agent = `agent-${at}`;
    meter.count('calls', { agent, labels: { origin: 'https://api.example.com', end: 'good' } }, jobs);
    if (at < 30) meter.count('models.calls', { agent, labels: { rung: 'groq' } }, jobs);
    if (at < 30)
      meter.count('models.tokens', { agent, labels: { rung: 'groq' } }, Math.round(jobs * (500 + 2_000 * chance())));
    for (let reading = 0; reading < readings; reading++)
      meter.count('cpu', { agent }, (jobs * 180 * chance()) / readings);
    if (at < 20)
      meter.count('context.orders', { agent, labels: { shop: 'north' } }, jobs + Math.round(9 * jobs * chance()));
  }
  for (const name of ['workers', 'workers.busy', 'jobs.waiting', 'cells'])
    meter.gauge(name, {}, Math.round(100 * chance()));
  for (const name of ['cells.memory', 'host.memory', 'store.size', 'log.size', 'disk.free'])
    meter.gauge(name, {}, Math.round(1e9 * chance()));
  for (const resource of ['cpu', 'memory', 'io'])
    meter.gauge('pressure', { labels: { resource } }, Math.round(1_000 * chance()) / 100);
  for (let call = 0; call < 300; call++) meter.time('store.latency', {}, 1 + 4 * chance());
  meter.count('host.cpu', {}, Math.round(jobs * 2_000 * chance()));
}

const cost = { host: 0, store: 0, minutes: 0 };

function timed(part: 'host' | 'store', run: () => void) {
  const began = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(began);
  cost[part] += (user + system) / 1_000;
}

/** Takes up what was measured, a stretch of time after it. */
function write(afterMs: number, isPruned: boolean) {
  db.exec('BEGIN');
  minutes.flush();
  now += afterMs;
  store.putMetrics(meter.take());
  while (store.rollUpMetrics(now, 200));
  if (isPruned) store.pruneMetrics({ minute: now - 2 * DAY_MS, hour: now - 90 * DAY_MS, day: now - 730 * DAY_MS });
  db.exec('COMMIT');
}

const began = performance.now();
for (let day = 0; day < YEAR_DAYS - HOURS_OF_DAYS; day++) {
  countEnds(1_440);
  measure(1_440, 1);
  write(DAY_MS, true);
}
for (let hour = 0; hour < (HOURS_OF_DAYS - minuteDays) * 24; hour++) {
  countEnds(60);
  measure(60, 1);
  write(HOUR_MS, hour % 24 === 0);
}
for (let minute = 0; minute < minuteDays * 24 * 60; minute++) {
  timed('host', () => measure(1, READINGS));
  timed('store', () => {
    countEnds(1);
    write(MINUTE_MS, minute % 60 === 0);
  });
  cost.minutes += 1;
}
db.exec('PRAGMA wal_checkpoint(TRUNCATE)');

const mb = (bytes: number) => Math.round(bytes / 10_000) / 100;
const tables = db
  .prepare(`SELECT tbl_name AS name, sum(pgsize) AS bytes, sum(unused) AS unused FROM dbstat JOIN sqlite_schema USING (name)
    WHERE tbl_name LIKE 'metric%' OR tbl_name LIKE 'minute%' GROUP BY tbl_name`)
  .all() as { name: string; bytes: number; unused: number }[];
const spans = db
  .prepare('SELECT span, count(*) AS rows, sum(length(points)) AS bytes FROM metric_points GROUP BY span')
  .all() as { span: number; rows: number; bytes: number }[];
const parts = db
  .prepare(`SELECT s.name, sum(length(points)) AS bytes FROM metric_points p JOIN metric_series s ON s.id = p.series
    GROUP BY s.name ORDER BY bytes DESC LIMIT 8`)
  .all() as { name: string; bytes: number }[];
const { free } = db
  .prepare('SELECT freelist_count * page_size AS free FROM pragma_freelist_count, pragma_page_size')
  .get() as {
  free: number;
};
db.close();
const share = (ms: number) => Math.round((ms / cost.minutes / MINUTE_MS) * 100_000) / 1_000;
const result = {
  agents: AGENTS,
  minuteDays,
  node: process.version,
  fileMbAfterAYear: mb(statSync(file).size),
  freeMb: mb(free),
  tablesMb: Object.fromEntries(tables.map(({ name, bytes }) => [name, mb(bytes)])),
  unusedMb: Object.fromEntries(tables.map(({ name, unused }) => [name, mb(unused)])),
  pointsMb: Object.fromEntries(
    spans.map(({ span, rows, bytes }) => [`${span / MINUTE_MS} min`, { rows, mb: mb(bytes) }]),
  ),
  seriesMb: Object.fromEntries(parts.map(({ name, bytes }) => [name, mb(bytes)])),
  coreShareInPercent: { host: share(cost.host), store: share(cost.store) },
  seconds: Math.round((performance.now() - began) / 1_000),
};
rmSync(folder, { recursive: true, force: true });
writeFileSync(new URL('./results/meter.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
