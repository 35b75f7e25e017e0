import type { DatabaseSync } from 'node:sqlite';
import { type PackedOps, SETTLEMENT_WIDTH } from '../../wire.ts';
import type { Totals } from '../totals.ts';
import { FREE_KEY } from './row.ts';

/** Writes down the ends of attempts, behind the fence, and counts them. */
export function jobEnds(db: DatabaseSync, totals: Totals, agents: Map<number, string>): Pick<PackedOps, 'settle'> {
  const fence = `WHERE id = ? AND attempt = ? AND state = 'running'`;
  /** The common end. A first attempt has no former error to wipe out. */
  const doneAtOnce = db.prepare(
    `UPDATE job SET state = 'done', started_at = ?, finished_at = ?, result = ?, summary = ? ${fence}`,
  );
  const end = db.prepare(
    `UPDATE job SET state = ?, started_at = ?, finished_at = ?, run_at = coalesce(?, run_at), result = ?, summary = ?, error = ?,
     cause = ?, attempts = coalesce(?, attempts) ${fence}`,
  );
  const freeKey = db.prepare(`UPDATE job SET ${FREE_KEY} WHERE id = ?`);
  const agentOf = db.prepare('SELECT agent FROM job WHERE id = ?');
  const recordFailure = db.prepare(
    `INSERT INTO attempt (job, attempt, agent, started_at, finished_at, worker, fault) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );

  return {
    settle(flat) {
      const kept: boolean[] = [];
      for (let i = 0; i < flat.length; i += SETTLEMENT_WIDTH) {
        const row = flat[i] as number;
        const attempt = flat[i + 1] as number;
        const state = flat[i + 2] as string;
        const startedAt = flat[i + 3] as number;
        const finishedAt = flat[i + 4] as number;
        const result = flat[i + 6] as string | null;
        const summary = flat[i + 7] as string | null;
        const { changes } =
          state === 'done' && attempt === 1
            ? doneAtOnce.run(startedAt, finishedAt, result, summary, row, attempt)
            : end.run(
                state,
                startedAt,
                finishedAt,
                flat[i + 5]!,
                result,
                summary,
                flat[i + 8]!,
                flat[i + 9]!,
                flat[i + 11]!,
                row,
                attempt,
              );
        kept.push(changes === 1);
        const known = agents.get(row);
        agents.delete(row);
        const isFree = flat[i + 11] !== null;
        if (changes === 1 && state === 'cancelled') freeKey.run(row);
        if (changes === 0 || isFree) continue;
        const agent = known ?? (agentOf.get(row) as { agent: string }).agent;
        totals.count(state, agent, finishedAt, row);
        if (state === 'retrying' || state === 'dead') {
          recordFailure.run(row, attempt, agent, startedAt, finishedAt, flat[i + 10]!, flat[i + 8] ?? NO_FAULT);
        }
      }
      return kept;
    },
  };
}

const NO_FAULT = JSON.stringify({ code: 'UNKNOWN', message: 'it failed without saying why' });
