/**
 * The report of 50 agents and 30 days: from the rows of a real store to the page and its Markdown twin. Aims: at most a second, and a page
 * of at most 300 KB.
 *
 *   npx tsx bench/report.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { dayOf } from '../plugins/lib/days.ts';
import { pageOf } from '../plugins/lib/report-page.ts';
import { markdownOf } from '../plugins/lib/report-text.ts';
import { createFleet } from '../src/host/fleet.ts';
import { silentLog } from '../src/kernel/log.ts';
import { DAY_MS, HOUR_MS } from '../src/kernel/measures.ts';
import { machineTime } from '../src/kernel/time.ts';
import { metricWrites, pointAppender } from '../src/store/sqlite/inside/metric-writes.ts';
import { pointsOfCounts } from '../src/store/sqlite/inside/minute-rows.ts';
import { createSqliteStore } from '../src/store/sqlite/store.ts';

const AGENTS = 50;
const DAYS = 30;
const ROUNDS = 7;
const NOW = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const names = Array.from({ length: AGENTS }, (_, i) => `agent-with-a-name-${i}`);
const folder = mkdtempSync(join(tmpdir(), 'daruma-bench-'));
const file = join(folder, 'daruma.db');
const store = createSqliteStore({ time: machineTime, log: silentLog }, { file });
try {
  await store.start();
  await store.stop();
  fill();
  await store.start();
  await measure();
  await store.stop();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** 60 jobs an hour and agent, of durations over 40 buckets; twice the days, for the period before. */
function fill(): void {
  const db = new DatabaseSync(file);
  const hour = db.prepare('INSERT INTO hour_total VALUES (?, ?, 59, 1, 2, NULL, NULL, NULL)');
  const appender = pointAppender(db);
  const sketch = new Map(Array.from({ length: 40 }, (_, i) => [100 + i * 3, 1 + (i % 3)]));
  const counts = { done: 59, dead: 1, failedAttempts: 2, durations: sketch, lateness: sketch, memoryPeak: 50_000_000 };
  db.exec('BEGIN');
  for (const agent of names) {
    for (let at = NOW - 2 * DAYS * DAY_MS; at < NOW; at += HOUR_MS) {
      hour.run(at, agent);
      appender.append(pointsOfCounts({ agent, version: 'v1', at }, counts), NOW);
    }
  }
  const writes = metricWrites(db, { forgetRows() {} });
  while (writes.rollUpMetrics(NOW, 1_000));
  db.exec('COMMIT');
  db.close();
}

async function measure(): Promise<void> {
  const agents = new Map(names.map((name) => [name, { schedule: null, limits: { memoryBytes: 134_217_728 } }]));
  const fleet = createFleet({
    ...{ time: machineTime, store, parts: async () => ({}), agents: () => agents },
    listings: () => names.map((name) => ({ name, plugin: name })),
    states: async () => new Map(names.map((name) => [name, { state: 'ok', why: '' }])),
    settings: { timezone: 'UTC', web: { enabled: true, host: '127.0.0.1', port: 7070 } },
    facts: { folder, logFolder: folder, version: '0', startedAt: NOW, socket: '' },
  } as never);
  const from = new Date(NOW - DAYS * DAY_MS).toISOString();
  const period = { ...dayOf(from.slice(0, 10), 'UTC'), kind: 'weekly' as const, title: `${DAYS} days` };
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) {
    const begun = performance.now();
    const report = await fleet.report(from, new Date(NOW).toISOString());
    const read = performance.now() - begun;
    const page = pageOf(report, period, null);
    markdownOf(report, period);
    rounds.push({ all: performance.now() - begun, read, bytes: Buffer.byteLength(page) });
  }
  const { all, read, bytes } = rounds.sort((a, b) => a.all - b.all)[ROUNDS >> 1]!;
  console.log(
    `${AGENTS} agents, ${DAYS} days: ${Math.round(all)} ms in all, ${Math.round(read)} ms of it the figures; page of ${Math.round(bytes / 1024)} KB (medians of ${ROUNDS})`,
  );
}
