import type { DatabaseSync } from 'node:sqlite';
import { percentile } from '../../../kernel/statistics.ts';
import type { AgentFigures } from '../../../telemetry/ports.ts';
import type { StorePorts, Sync } from '../../ports.ts';
import { hourOf } from './totals.ts';

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
    SELECT agent, hour, done, dead, failed_attempts AS failedAttempts FROM hour_total
    WHERE hour >= ? AND hour < ? ORDER BY hour, agent`);
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
    hourFigures: (from, to) => plainRows(hours.all(from, to)),
    slotFigures: (from, to) => plainRows(slots.all(from, to)),
  };
}

/** Rows of SQLite have no prototype, which comparisons and serializers trip over. */
function plainRows<Row>(rows: Record<string, unknown>[]): Row[] {
  return rows.map((row) => ({ ...row })) as Row[];
}
