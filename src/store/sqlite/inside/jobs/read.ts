import type { DatabaseSync } from 'node:sqlite';
import type { AttemptRecord, DeadGroup } from '../../../../jobs/ports.ts';
import { limitKeyOf } from '../../../../kernel/key-limit.ts';
import type { StorePorts, Sync } from '../../../ports.ts';
import { hostPrefix, jobIdOf, ownerText, rowOf } from '../../ids.ts';
import type { StampedOps } from '../../wire.ts';
import { mustBeInstants, rowFault } from '../faults.ts';
import { keyUses } from './key-limits.ts';
import { JOB_COLUMNS, type JobRow, jobOf } from './row.ts';

type Reads = Pick<Sync<StorePorts>, 'get' | 'ancestors' | 'deadByCause' | 'waitFacts'> &
  Pick<StampedOps, 'abandoned' | 'waiting' | 'backlog'>;

export function jobReads(db: DatabaseSync): Reads {
  const byRow = db.prepare(`SELECT ${JOB_COLUMNS} FROM job WHERE id = ?`);
  const failures = db.prepare(
    'SELECT attempt, started_at, finished_at, worker, fault FROM attempt WHERE job = ? ORDER BY attempt',
  );
  const abandoned = db.prepare(
    `SELECT ${JOB_COLUMNS} FROM job INDEXED BY job_running WHERE state = 'running'
     AND (lease_until <= ?1 OR (owner <> ?2 AND substr(owner, 1, length(?3)) = ?3)) ORDER BY id`,
  );
  // Both statements leap from one level of priority to the next, however many jobs wait in between.
  const readyJob = `SELECT agent, priority, run_at FROM job INDEXED BY job_ready WHERE state IN ('queued', 'retrying')`;
  const nextAgent = db.prepare(`${readyJob} AND agent > ? ORDER BY agent, priority DESC, run_at LIMIT 1`);
  const nextLevel = db.prepare(`${readyJob} AND agent = ? AND priority < ? ORDER BY priority DESC, run_at LIMIT 1`);
  const setAside = db.prepare('SELECT 1 FROM limited_job WHERE agent = ? LIMIT 1');
  const waitRow = db.prepare(
    'SELECT agent, input, debounce IS NOT NULL AND attempt = 0 AS waits FROM job WHERE id = ?',
  );
  const usesOf = keyUses(db);
  const dead = db.prepare(`
    SELECT coalesce(cause, '') AS cause, agent, count(*) AS count, min(finished_at) AS firstAt, max(finished_at) AS lastAt,
      max(id) AS newest
    FROM job INDEXED BY job_dead WHERE state = 'dead' GROUP BY 1, 2 ORDER BY count DESC, lastAt DESC`);

  const lineage = db.prepare(`
    WITH RECURSIVE line (id, agent, depth, parent, place) AS (
      SELECT id, agent, depth, parent, 1 FROM job WHERE id = ?
      UNION ALL
      SELECT job.id, job.agent, job.depth, job.parent, place + 1 FROM line JOIN job ON job.id = line.parent WHERE place < 100
    )
    SELECT id, agent, depth FROM line ORDER BY place`);
  const due = db.prepare(`
    SELECT agent, count(*) AS count, min(run_at) AS dueSince FROM job INDEXED BY job_ready
    WHERE state IN ('queued', 'retrying') AND run_at <= ? GROUP BY agent ORDER BY agent`);

  return {
    ancestors(id) {
      const rows = lineage.all(rowOf(id)) as { id: number; agent: string; depth: number }[];
      return rows.map((row) => ({ ...row, id: jobIdOf(row.id) }));
    },
    backlog: (now) => (due.all(now) as { agent: string; count: number; dueSince: number }[]).map((row) => ({ ...row })),
    get(id) {
      const row = byRow.get(rowOf(id)) as JobRow | undefined;
      if (!row) return undefined;
      return { ...jobOf(row), failures: (failures.all(row.id) as unknown as FailureRow[]).map(recordOf) };
    },
    abandoned(now, owner) {
      return (abandoned.all(now, ownerText(owner), hostPrefix(owner.host)) as unknown as JobRow[]).map(jobOf);
    },
    waiting(now, leastPriority = Number.NEGATIVE_INFINITY) {
      const waiting: { agent: string; inMs: number }[] = [];
      let at = nextAgent.get('') as ReadyRow | undefined;
      while (at) {
        const { agent } = at;
        let nextAt = at.run_at;
        mustBeInstants(nextAt);
        const levelBelow = (priority: number) => nextLevel.get(agent, priority) as ReadyRow | undefined;
        for (let level = levelBelow(at.priority); level && level.priority >= leastPriority; ) {
          nextAt = Math.min(nextAt, level.run_at);
          level = levelBelow(level.priority);
        }
        // Whether a key has room is known to a claim alone.
        if (setAside.get(agent)) nextAt = Math.min(nextAt, now);
        if (at.priority >= leastPriority) waiting.push({ agent, inMs: nextAt - now });
        at = nextAgent.get(agent) as ReadyRow | undefined;
      }
      return waiting;
    },
    waitFacts(asked) {
      const uses = new Map<string, ReturnType<typeof usesOf>>();
      return asked.flatMap(({ job, limit }) => {
        const row = waitRow.get(rowOf(job)) as { agent: string; input: string | null; waits: number } | undefined;
        if (!row) return [];
        const { agent, input, waits } = row;
        if (limit && !uses.has(agent)) uses.set(agent, usesOf(agent, limit));
        const use = limit ? uses.get(agent)!(limitKeyOf(limit, input)) : null;
        return { job, isDebounced: waits === 1, use };
      });
    },
    deadByCause() {
      return (dead.all() as unknown as (Omit<DeadGroup, 'example'> & { newest: number })[]).map(
        ({ newest, ...group }) => {
          mustBeInstants(group.firstAt, group.lastAt);
          return { ...group, example: jobOf(byRow.get(newest) as unknown as JobRow) };
        },
      );
    },
  };
}

interface ReadyRow {
  agent: string;
  priority: number;
  run_at: number;
}

interface FailureRow {
  attempt: number;
  started_at: number;
  finished_at: number;
  worker: string | null;
  fault: string;
}

function recordOf(row: FailureRow): AttemptRecord {
  mustBeInstants(row.started_at, row.finished_at);
  return {
    attempt: row.attempt,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    worker: row.worker,
    fault: rowFault(row.fault),
  };
}
