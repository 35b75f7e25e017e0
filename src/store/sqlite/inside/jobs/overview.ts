import type { DatabaseSync } from 'node:sqlite';
import type { AgentOverview } from '../../../../jobs/ports.ts';
import type { StorePorts, Sync } from '../../../ports.ts';
import { JOB_COLUMNS, type JobRow, jobOf } from './row.ts';

/** What a status page shows of every agent, read from the small indexes only, however many jobs ended. */
export function jobOverview(db: DatabaseSync): Pick<Sync<StorePorts>, 'overview'> {
  const nextAgent = db.prepare('SELECT min(agent) AS agent FROM job INDEXED BY job_agent WHERE agent > ?');
  const newest = db.prepare(
    `SELECT ${JOB_COLUMNS} FROM job INDEXED BY job_agent WHERE agent = ? ORDER BY id DESC LIMIT 1`,
  );
  const latestEnd = db.prepare(`
    SELECT ${JOB_COLUMNS} FROM job WHERE state IN ('done', 'dead') AND id =
      (SELECT ended_job FROM hour_total WHERE agent = ? AND ended_job IS NOT NULL ORDER BY hour DESC LIMIT 1)`);
  const newestEnded = db.prepare(
    `SELECT ${JOB_COLUMNS} FROM job INDEXED BY job_agent WHERE agent = ? AND state IN ('done', 'dead') ORDER BY id DESC LIMIT 1`,
  );
  const count = (index: string, condition: string) =>
    db.prepare(`SELECT agent, count(*) AS count FROM job INDEXED BY ${index} WHERE ${condition} GROUP BY agent`);
  const ready = count('job_ready', `state IN ('queued', 'retrying')`);
  const retrying = count('job_retrying', `state = 'retrying'`);
  const running = count('job_running', `state = 'running'`);
  const dead = count('job_dead', `state = 'dead'`);

  return {
    overview() {
      const counts = [ready, retrying, running, dead].map(
        (statement) =>
          new Map((statement.all() as { agent: string; count: number }[]).map((row) => [row.agent, row.count])),
      );
      const [readyOf, retryingOf, runningOf, deadOf] = counts as [Counts, Counts, Counts, Counts];
      return agents().map((agent): AgentOverview => {
        const last = newest.get(agent) as JobRow | undefined;
        // After a redrive the latest that ended has not ended any more: then the newest that has.
        const ended = (latestEnd.get(agent) ?? newestEnded.get(agent)) as JobRow | undefined;
        return {
          agent,
          queued: (readyOf.get(agent) ?? 0) - (retryingOf.get(agent) ?? 0),
          running: runningOf.get(agent) ?? 0,
          retrying: retryingOf.get(agent) ?? 0,
          dead: deadOf.get(agent) ?? 0,
          newest: last ? jobOf(last) : null,
          ended: ended ? jobOf(ended) : null,
        };
      });
    },
  };

  function agents(): string[] {
    const found: string[] = [];
    for (let agent: string | null = ''; ; ) {
      agent = (nextAgent.get(agent) as { agent: string | null }).agent;
      if (agent === null) return found;
      found.push(agent);
    }
  }
}

type Counts = Map<string, number>;
