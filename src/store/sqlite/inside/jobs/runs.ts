import type { DatabaseSync } from 'node:sqlite';
import type { JobRun } from '../../../../telemetry/ports.ts';
import type { StorePorts, Sync } from '../../../ports.ts';
import { jobIdOf } from '../../ids.ts';
import { mustBeInstants } from '../faults.ts';

/** The newest ends of jobs in short: no input and no result is read, however large they are. */
export function jobRuns(db: DatabaseSync): Pick<Sync<StorePorts>, 'runs'> {
  const newest = db.prepare(`
    SELECT id, state, attempt, started_at AS startedAt, finished_at AS finishedAt FROM job INDEXED BY job_agent
    WHERE agent = ? AND state IN ('done', 'dead') ORDER BY id DESC LIMIT ?`);
  return {
    runs(agents, limit) {
      return agents.flatMap((agent) =>
        (newest.all(agent, limit) as unknown as (Omit<JobRun, 'agent' | 'id'> & { id: number })[]).map((row) => {
          mustBeInstants(row.startedAt, row.finishedAt);
          return { ...row, agent, id: jobIdOf(row.id) };
        }),
      );
    },
  };
}
