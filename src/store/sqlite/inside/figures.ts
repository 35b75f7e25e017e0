import type { DatabaseSync } from 'node:sqlite';
import { HOUR_MS } from '../../../kernel/measures.ts';
import { percentile } from '../../../kernel/statistics.ts';
import type { AgentFigures } from '../../../telemetry/ports.ts';
import type { StorePorts, Sync } from '../../ports.ts';

/** The full hour (UTC) in which a time lies. */
export function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS;
}

interface Total {
  hour: number;
  agent: string;
  done: number;
  dead: number;
  failedAttempts: number;
  first: number | null;
  last: number | null;
  ended: number | null;
}

/** The running totals of a group: counted in memory, written once for each agent and hour before the group's commit. */
export interface Totals {
  /** An attempt that ended; `row` is its job. Cancelled ones are not counted. */
  count(state: string, agent: string, finishedAt: number, row: number): void;
  /** Writes down what was counted. */
  flush(): void;
  /** Forgets the counts of a transaction that was rolled back. */
  clear(): void;
}

export function hourTotals(db: DatabaseSync): Totals {
  const upsert = db.prepare(`
    INSERT INTO hour_total AS total (hour, agent, done, dead, failed_attempts, first_job, last_job, ended_job)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (hour, agent) DO UPDATE SET
      done = total.done + excluded.done,
      dead = total.dead + excluded.dead,
      failed_attempts = total.failed_attempts + excluded.failed_attempts,
      first_job = min(coalesce(total.first_job, excluded.first_job), coalesce(excluded.first_job, total.first_job)),
      last_job = max(coalesce(total.last_job, excluded.last_job), coalesce(excluded.last_job, total.last_job)),
      ended_job = coalesce(excluded.ended_job, total.ended_job)`);
  const byAgent = new Map<string, Total[]>();
  return {
    count(state, agent, finishedAt, row) {
      if (state === 'cancelled') return;
      const total = totalOf(byAgent, agent, hourOf(finishedAt));
      if (state !== 'done') total.failedAttempts++;
      if (state === 'retrying') return;
      if (state === 'done') total.done++;
      else total.dead++;
      if (total.first === null || row < total.first) total.first = row;
      if (total.last === null || row > total.last) total.last = row;
      total.ended = row;
    },
    flush() {
      if (byAgent.size === 0) return;
      for (const totals of byAgent.values()) {
        for (const t of totals) upsert.run(t.hour, t.agent, t.done, t.dead, t.failedAttempts, t.first, t.last, t.ended);
      }
      byAgent.clear();
    },
    clear: () => byAgent.clear(),
  };
}

function totalOf(byAgent: Map<string, Total[]>, agent: string, hour: number): Total {
  const totals = byAgent.get(agent) ?? [];
  if (totals.length === 0) byAgent.set(agent, totals);
  for (const total of totals) if (total.hour === hour) return total;
  const fresh: Total = { hour, agent, done: 0, dead: 0, failedAttempts: 0, first: null, last: null, ended: null };
  totals.push(fresh);
  return fresh;
}

/** Agent, hour, done, dead, failed attempts. Of tens of thousands of rows in a month, lists cost a fifth of objects without a prototype. */
type HourRow = [string, number, number, number, number];

type FigureReads = Pick<Sync<StorePorts>, 'agentFigures' | 'hourFigures' | 'slotFigures'>;

/**
 * Figures of a period. The hourly totals say between which rows the jobs of a period lie, so exact percentiles need no
 * index by time, which every job would have to pay for.
 */
export function figures(db: DatabaseSync): FigureReads {
  const bounds = db.prepare(`
    SELECT agent, min(first_job) AS first, max(last_job) AS last FROM hour_total
    WHERE hour >= ? AND hour < ? GROUP BY agent ORDER BY agent`);
  const durations = db.prepare(`
    SELECT finished_at - started_at FROM job INDEXED BY job_agent
    WHERE agent = ? AND id BETWEEN ? AND ? AND state = 'done' AND finished_at >= ? AND finished_at < ? ORDER BY 1`);
  durations.setReturnArrays(true);
  const dead = db.prepare(
    `SELECT count(*) AS count FROM job INDEXED BY job_dead
     WHERE state = 'dead' AND agent = ? AND finished_at >= ? AND finished_at < ?`,
  );
  const failed = db.prepare(
    'SELECT count(*) AS count FROM attempt WHERE agent = ? AND finished_at >= ? AND finished_at < ?',
  );
  const hours = db.prepare(`
    SELECT agent, hour, done, dead, failed_attempts FROM hour_total
    WHERE hour >= ? AND hour < ? ORDER BY hour, agent`);
  hours.setReturnArrays(true);
  const slots = db.prepare(`
    SELECT agent, sum(state IN ('ran', 'caught-up')) AS kept, sum(state = 'missed') AS missed,
      sum(state = 'skipped') AS skipped
    FROM slot INDEXED BY slot_due WHERE due >= ? AND due < ? GROUP BY agent ORDER BY agent`);

  return {
    agentFigures(from, to) {
      const agents = bounds.all(hourOf(from), to) as unknown as { agent: string; first: number; last: number }[];
      return agents
        .map(({ agent, first, last }): AgentFigures => {
          const sorted = (durations.all(agent, first, last, from, to) as unknown as [number][]).map(([ms]) => ms);
          return {
            agent,
            done: sorted.length,
            dead: (dead.get(agent, from, to) as { count: number }).count,
            failedAttempts: (failed.get(agent, from, to) as { count: number }).count,
            p50Ms: percentile(sorted, 0.5),
            p95Ms: percentile(sorted, 0.95),
            p99Ms: percentile(sorted, 0.99),
          };
        })
        .filter(({ done, dead, failedAttempts }) => done + dead + failedAttempts > 0);
    },
    hourFigures: (from, to) =>
      (hours.all(from, to) as unknown as HourRow[]).map(([agent, hour, done, gaveUp, failedAttempts]) => {
        return { agent, hour, done, dead: gaveUp, failedAttempts };
      }),
    slotFigures: (from, to) => plainRows(slots.all(from, to)),
  };
}

/** Rows of SQLite have no prototype, which comparisons and serializers trip over. */
function plainRows<Row>(rows: Record<string, unknown>[]): Row[] {
  return rows.map((row) => ({ ...row })) as Row[];
}
