import type { DatabaseSync } from 'node:sqlite';
import type { JobState } from '../../../../jobs/model.ts';
import { INSTANTS } from '../../../../kernel/instant.ts';
import { jobIdOf, rowOf } from '../../ids.ts';
import type { OwnOps, StampedOps } from '../../wire.ts';
import type { AgentVersion } from '../minutes.ts';
import { SET_ASIDE_UNTIL } from './key-limits.ts';
import { FREE_KEY, JOB_COLUMNS, type JobRow, jobOf } from './row.ts';

/** Changes of jobs from outside of their attempts. */
export function jobChanges(
  db: DatabaseSync,
  versions: Map<number, AgentVersion>,
): Pick<StampedOps, 'cancel' | 'cancelMany' | 'promote' | 'redrive' | 'drop'> & OwnOps {
  const find = db.prepare(`SELECT ${JOB_COLUMNS} FROM job WHERE id = ? AND state IN ('queued', 'running', 'retrying')`);
  // The owner is cleared, so that the order is not taken for an end that an attempt has had.
  const cancel = db.prepare(
    `UPDATE job SET state = 'cancelled', finished_at = ?, error = ?, cause = NULL, owner = NULL, ${FREE_KEY} WHERE id = ?`,
  );
  // The attempt's number stays: it is the fence, and an outcome of the former life must not be taken for one of the new.
  // A job that was stale is not any more, because a person wants it now.
  const redrive = db.prepare(`
    UPDATE job SET state = 'queued', attempts = attempt + allowed, run_at = ?, stale_at = NULL, started_at = NULL,
      finished_at = NULL, result = NULL, summary = NULL, error = NULL, cause = NULL, key = coalesce(key, freed_key), freed_key = NULL
    WHERE id = ? AND state IN ('dead', 'cancelled')
      AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.agent = job.agent AND other.key = job.freed_key)`);

  const promote = db.prepare(`UPDATE job SET run_at = ?1 WHERE id = ?2 AND state = 'retrying' AND run_at > ?1`);

  // The time of a job that is set aside for the limit of its key is no time, and stays; its own is in limited_job.
  const setBack = db.prepare(`
    UPDATE job SET run_at = max(run_at - (?1 - ?2), ${INSTANTS.least})
    WHERE run_at > ?2 AND run_at < ${SET_ASIDE_UNTIL}
      AND (state = 'retrying' OR (state = 'queued' AND (run_at <= ?1 OR debounce IS NOT NULL)))`);
  const limitsBack = [
    `UPDATE limited_job SET due_at = max(due_at - (?1 - ?2), ${INSTANTS.least}) WHERE due_at > ?2`,
    `UPDATE limited_start SET at = max(at - (?1 - ?2), ${INSTANTS.least}) WHERE at > ?2`,
  ].map((statement) => db.prepare(statement));

  const drop = db.prepare(
    `UPDATE job SET state = 'cancelled', error = ?, cause = NULL, owner = NULL, ${FREE_KEY} WHERE id = ? AND state = 'dead'`,
  );

  const lookBefore = db.prepare(
    `SELECT state, attempt FROM job WHERE id = ? AND state IN ('queued', 'running', 'retrying')`,
  );

  return {
    cancelMany(now, ids, why) {
      const error = JSON.stringify(why);
      return ids.flatMap((id) => {
        const row = rowOf(id);
        const before = lookBefore.get(row) as { state: JobState; attempt: number } | undefined;
        if (!before) return [];
        cancel.run(now, error, row);
        versions.delete(row);
        return [{ id, ...before }];
      });
    },
    cancel(now, id, why) {
      const row = find.get(rowOf(id)) as JobRow | undefined;
      if (!row) return undefined;
      cancel.run(now, JSON.stringify(why), row.id);
      versions.delete(row.id);
      return jobOf(row);
    },
    promote(now, ids) {
      return ids
        .map(rowOf)
        .filter((row) => promote.run(now, row).changes === 1)
        .map(jobIdOf);
    },
    setBack(was, now) {
      for (const statement of limitsBack) statement.run(was, now);
      return Number(setBack.run(was, now).changes);
    },
    redrive(now, ids) {
      return ids
        .map(rowOf)
        .filter((row) => redrive.run(now, row).changes === 1)
        .map(jobIdOf);
    },
    drop(_, ids, why) {
      const error = JSON.stringify(why);
      return ids
        .map(rowOf)
        .filter((row) => drop.run(error, row).changes === 1)
        .map(jobIdOf);
    },
  };
}
