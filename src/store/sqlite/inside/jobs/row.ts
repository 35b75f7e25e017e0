import type { Job, JobState, Trigger } from '../../../../jobs/model.ts';
import { jobIdOf } from '../../ids.ts';
import { mustBeInstants, rowFault } from '../faults.ts';
import { SET_ASIDE_UNTIL } from './key-limits.ts';

/** The columns of {@link JobRow}, for a SELECT. */
export const JOB_COLUMNS = `id, agent, version, state, trigger, slot, coalesce(key, freed_key) AS key, priority, attempt, attempts, queued_at,
  iif(run_at = ${SET_ASIDE_UNTIL}, coalesce((SELECT due_at FROM limited_job WHERE job = job.id), run_at), run_at) AS run_at, stale_at,
  started_at, finished_at, input, result, summary, error, cause, parent, depth`;

/** For an UPDATE that cancels: another job may have the key from then on. */
export const FREE_KEY = 'freed_key = coalesce(key, freed_key), key = NULL';

export interface JobRow {
  id: number;
  agent: string;
  version: string | null;
  state: JobState;
  trigger: Trigger;
  slot: number | null;
  key: string | null;
  priority: number;
  attempt: number;
  attempts: number;
  queued_at: number;
  run_at: number;
  stale_at: number | null;
  started_at: number | null;
  finished_at: number | null;
  input: string | null;
  result: string | null;
  summary: string | null;
  error: string | null;
  cause: string | null;
  parent: number | null;
  depth: number;
}

/** Throws {@link UnreadableRow} for a row that cannot be shown. */
export function jobOf(row: JobRow): Job {
  mustBeInstants(row.queued_at, row.run_at, row.stale_at, row.slot, row.started_at, row.finished_at);
  return {
    id: jobIdOf(row.id),
    agent: row.agent,
    version: row.version,
    state: row.state,
    trigger: row.trigger,
    slot: row.slot,
    key: row.key,
    priority: row.priority,
    attempt: row.attempt,
    attempts: row.attempts,
    queuedAt: row.queued_at,
    runAt: row.run_at,
    staleAt: row.stale_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    input: row.input,
    result: row.result,
    summary: row.summary,
    error: row.error === null ? null : rowFault(row.error),
    cause: row.cause,
    parent: row.parent === null ? null : jobIdOf(row.parent),
    depth: row.depth,
  };
}
