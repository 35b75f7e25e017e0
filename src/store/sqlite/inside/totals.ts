import type { DatabaseSync } from 'node:sqlite';
import { HOUR_MS } from '../../../kernel/measures.ts';

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
  /** Forgets what was counted, because it was rolled back. */
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
