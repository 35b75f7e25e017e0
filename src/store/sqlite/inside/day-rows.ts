import type { DatabaseSync } from 'node:sqlite';
import type { SpendAhead, SpendRow, SpendStore } from '../../../gateway/models/spend.ts';
import type { AgentUsage, UsageStore } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';

type Writes = Pick<Sync<SpendStore & UsageStore>, 'putSpend' | 'addUsage' | 'pruneDays'>;
type Reads = Pick<Sync<SpendStore & UsageStore>, 'spendRows' | 'spendAhead' | 'usageRows'>;

/** Rows of an agent and a day: what models cost, and what was used of the machine. */
export function dayRowWrites(db: DatabaseSync): Writes {
  const put = db.prepare(`
    INSERT OR REPLACE INTO model_spend
      (day, agent, rung, calls, prompt_tokens, completion_tokens, micros, failed_tries, unpriced_tokens)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const putAhead = db.prepare(
    'INSERT OR REPLACE INTO model_ahead (day, agent, calls, tokens, micros) VALUES (?, ?, ?, ?, ?)',
  );
  const dropAhead = db.prepare('DELETE FROM model_ahead WHERE day = ? AND agent = ?');
  const add = db.prepare(`
    INSERT INTO agent_usage (day, agent, heap_kbs, native_kbs, children_kbs, cpu_ms, disk_bytes) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (day, agent) DO UPDATE SET heap_kbs = heap_kbs + excluded.heap_kbs, native_kbs = native_kbs + excluded.native_kbs,
      children_kbs = children_kbs + excluded.children_kbs, cpu_ms = cpu_ms + excluded.cpu_ms,
      disk_bytes = CASE WHEN excluded.disk_bytes = 0 THEN disk_bytes ELSE excluded.disk_bytes END`);
  const prunes = ['model_spend', 'agent_usage'].map((table) => ({
    /** The day of the newest row beyond those that are kept. */
    beyond: db.prepare(`SELECT day FROM ${table} ORDER BY day DESC LIMIT 1 OFFSET ?`),
    old: db.prepare(`DELETE FROM ${table} WHERE day < ?1 OR day <= ?2`),
  }));

  return {
    putSpend(rows, ahead) {
      for (const row of rows) {
        const { day, agent, rung, calls, promptTokens, completionTokens, micros } = row;
        put.run(day, agent, rung, calls, promptTokens, completionTokens, micros, row.failedTries, row.unpricedTokens);
      }
      for (const { day, agent, calls, tokens, micros } of ahead) {
        if (calls === 0 && tokens === 0 && micros === 0) dropAhead.run(day, agent);
        else putAhead.run(day, agent, calls, tokens, micros);
      }
    },
    addUsage(rows) {
      for (const { day, agent, heapKbs, nativeKbs, childrenKbs, cpuMs, diskBytes } of rows) {
        add.run(day, agent, heapKbs, nativeKbs, childrenKbs, cpuMs, diskBytes);
      }
    },
    pruneDays(before, most) {
      for (const { beyond, old } of prunes) {
        const last = beyond.get(most) as { day: string } | undefined;
        old.run(before, last?.day ?? '');
      }
    },
  };
}

export function dayRowReads(db: DatabaseSync): Reads {
  const spend = db.prepare(`
    SELECT day, agent, rung, calls, prompt_tokens AS promptTokens, completion_tokens AS completionTokens, micros,
      failed_tries AS failedTries, unpriced_tokens AS unpricedTokens
    FROM model_spend WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR agent = ?3) ORDER BY day, agent, rung`);
  const ahead = db.prepare('SELECT day, agent, calls, tokens, micros FROM model_ahead ORDER BY day, agent');
  const usage = db.prepare(`
    SELECT day, agent, heap_kbs AS heapKbs, native_kbs AS nativeKbs, children_kbs AS childrenKbs, cpu_ms AS cpuMs,
      disk_bytes AS diskBytes
    FROM agent_usage WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR agent = ?3) ORDER BY day, agent`);
  return {
    spendRows: ({ from, to, agent }) => plain(spend.all(from, to, agent ?? null)) as SpendRow[],
    spendAhead: () => plain(ahead.all()) as SpendAhead[],
    usageRows: ({ from, to, agent }) => plain(usage.all(from, to, agent ?? null)) as AgentUsage[],
  };
}

/** Rows of SQLite have no prototype. */
const plain = (rows: unknown[]): unknown[] => rows.map((row) => ({ ...(row as object) }));
