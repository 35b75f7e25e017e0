import type { DatabaseSync } from 'node:sqlite';
import type { AttemptRef } from '../../../jobs/ports.ts';
import { Fault } from '../../../kernel/fault.ts';
import { rowOf } from '../job-id.ts';
import type { StoreOps } from '../wire.ts';

interface EffectRow {
  key: string;
  ended_at: number | null;
  result: string | null;
  problem: string | null;
}

const notKept = (problem: string) => ({ is: 'not-kept' as const, problem });

/** The record behind `once`. Every call looks at the fence before it writes. */
export function effects(db: DatabaseSync): Pick<StoreOps, 'beginEffect' | 'endEffect' | 'dropEffect' | 'effectsOf'> {
  const held = db.prepare(`SELECT 1 FROM job WHERE id = ? AND attempt = ? AND state = 'running'`);
  const find = db.prepare('SELECT ended_at, result, problem FROM effect WHERE job = ? AND key = ?');
  const begin = db.prepare('INSERT INTO effect (job, key, attempt, begun_at) VALUES (?, ?, ?, ?)');
  const end = db.prepare(`
    INSERT INTO effect (job, key, attempt, begun_at, ended_at, result, problem) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)
    ON CONFLICT (job, key) DO UPDATE SET attempt = ?3, ended_at = ?4, result = ?5, problem = ?6`);
  const drop = db.prepare('DELETE FROM effect WHERE job = ? AND key = ? AND ended_at IS NULL');
  const list = db.prepare('SELECT key, ended_at, result, problem FROM effect WHERE job = ? ORDER BY begun_at, key');

  return {
    beginEffect(now, ref, key) {
      const row = isFenced(ref);
      const known = find.get(row, key) as Omit<EffectRow, 'key'> | undefined;
      if (known?.ended_at === null) return { is: 'unknown' };
      if (known) return known.problem === null ? { is: 'done', result: known.result } : notKept(known.problem);
      begin.run(row, key, ref.attempt, now);
      return { is: 'new' };
    },
    endEffect(now, ref, key, result, problem) {
      end.run(isFenced(ref), key, ref.attempt, now, result, problem ?? null);
    },
    dropEffect(ref, key) {
      drop.run(isFenced(ref), key);
    },
    effectsOf(job) {
      const rows = list.all(rowOf(job)) as unknown as EffectRow[];
      return rows.map(({ key, ended_at, result, problem }) => ({
        key,
        isDone: ended_at !== null,
        result,
        ...(problem === null ? {} : { problem }),
      }));
    },
  };

  function isFenced(ref: AttemptRef): number {
    const row = rowOf(ref.job);
    if (held.get(row, ref.attempt)) return row;
    throw new Fault({
      code: 'FENCED',
      message: `attempt ${ref.attempt} of ${ref.job} does not hold the job any more`,
      next: 'nothing: another attempt has taken over, or the job was cancelled',
    });
  }
}
