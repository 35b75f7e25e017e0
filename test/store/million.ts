import { DatabaseSync } from 'node:sqlite';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';

const DAY = 86_400_000;
const AGENTS = 20;
/** Jobs in the newest day: as if the installation had got busier. */
const DAYS = 30;

/**
 * Makes a store with a million finished jobs of twenty agents, spread over thirty days until now: every hundredth is dead after two attempts.
 * With slots, events, incidents, heartbeats, two years of costs, and all sums. Takes seconds: the rows come out of SQL.
 */
export async function storeOfAMillion(file: string, jobs = 1_000_000): Promise<void> {
  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file });
  await store.start();
  await store.stop();
  const now = Date.now();
  const db = new DatabaseSync(file);
  const everyMs = (DAYS * DAY) / jobs;
  db.exec(`
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -200000;
    BEGIN;
    CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${jobs}) SELECT i FROM n;
    INSERT INTO job (id, agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, slot, version,
        owner, started_at, finished_at, cause, error, result, input)
      SELECT i, agent, iif(isDead, 'dead', 'done'), 'schedule', 0, iif(isDead, 2, 1), 2, 2, at - 500, at - 500, at - 500, 'v1',
        'local r', at - 400, at, iif(isDead, 'f-' || (i % 7000 / 1000), NULL),
        iif(isDead, '{"code":"ERROR","message":"the server said no (' || i || ')"}', NULL),
        iif(isDead, NULL, '{"fetched":' || i || ',"note":"some result that is about as long as results are"}'), '{"n":' || i || '}'
      FROM (SELECT i, 'agent-' || printf('%02d', i % ${AGENTS}) AS agent, i % 100 = 7 AS isDead,
        CAST(${now} - (${jobs} - i) * ${everyMs} AS INTEGER) AS at FROM n);
    INSERT INTO attempt (job, attempt, agent, started_at, finished_at, worker, fault)
      SELECT id, of, agent, started_at, finished_at, 'w1', error FROM job, (SELECT 1 AS of UNION ALL SELECT 2) WHERE state = 'dead';
    INSERT INTO queue_hour SELECT queued_at / 3600000 * 3600000, min(id) FROM job GROUP BY 1;
    INSERT INTO hour_total SELECT finished_at / 3600000 * 3600000, agent, sum(state = 'done'), sum(state = 'dead'),
      2 * sum(state = 'dead'), min(id), max(id), max(id) FROM job GROUP BY 1, 2;
    INSERT INTO slot (agent, due, state, job, planned_at, decided_at)
      SELECT agent, slot, iif(id % 50 = 3, 'missed', 'ran'), id, slot - 60000, slot FROM job WHERE id % 5 = 0
      ON CONFLICT DO NOTHING;
    INSERT INTO slot (agent, due, state, planned_at)
      SELECT 'agent-' || printf('%02d', i % ${AGENTS}), ${now} + i * 30000, 'planned', ${now} FROM n WHERE i <= 1000;
    INSERT INTO event (at, kind, agent, message)
      SELECT ${now} - i * 60000, 'worker.gone', 'agent-' || printf('%02d', i % ${AGENTS}), 'w1 ended' FROM n WHERE i <= 50000;
    INSERT INTO incident (agent, verdict, state, opened_at, ended_at, fingerprint, record)
      SELECT 'agent-' || printf('%02d', i % ${AGENTS}), 'crashed', 'healed', ${now} - i * 600000, ${now} - i * 600000 + 5000, 'f' || i % 9,
        '{"seen":"it crashed","version":"v1","jobs":[],"remedies":[],"timeline":[],"evidence":null,"repeats":0,"note":null}'
      FROM n WHERE i <= 4000;
    INSERT INTO agent_usage (day, agent, heap_kbs, native_kbs, children_kbs, cpu_ms, disk_bytes)
      SELECT date(${now} / 1000, 'unixepoch', -(i / ${AGENTS}) || ' days'), 'agent-' || printf('%02d', i % ${AGENTS}), 9000000, 400000, 0, 60000, 5000000
      FROM n WHERE i < ${AGENTS} * 730;
    INSERT INTO model_spend (day, agent, rung, calls, prompt_tokens, completion_tokens, micros, failed_tries, unpriced_tokens)
      SELECT day, agent, rung, 40, 90000, 20000, 25000, 1, 0 FROM agent_usage, (SELECT 'groq' AS rung UNION ALL SELECT 'ollama');
    INSERT INTO aggregate_past VALUES (1, ${jobs}, ${now} + 1);
    COMMIT;`);
  db.close();
  await store.start();
  while (await store.sumUpPast(100_000));
  while (await store.rollUpMetrics(now, 1_000));
  await store.putHeartbeats([{ kind: 'loop', name: 'jobs', at: now }]);
  await store.stop();
}
