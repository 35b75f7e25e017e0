import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { JobState } from '../../../../jobs/model.ts';
import type { AgentOverview, JobFilter } from '../../../../jobs/ports.ts';
import type { StorePorts, Sync } from '../../../ports.ts';
import { jobIdOf, rowOf } from '../../ids.ts';
import { hourOf } from '../figures.ts';
import { JOB_COLUMNS, type JobRow, jobOf } from './row.ts';

/** Where the jobs of a state are found without looking at all the others. The condition repeats the index's own. */
const PLACES: Record<JobState, string> = {
  queued: `INDEXED BY job_ready WHERE state IN ('queued', 'retrying') AND state = 'queued'`,
  retrying: `INDEXED BY job_retrying WHERE state = 'retrying'`,
  running: `INDEXED BY job_running WHERE state = 'running'`,
  dead: `INDEXED BY job_dead WHERE state = 'dead'`,
  done: `WHERE state = 'done'`,
  cancelled: `INDEXED BY job_cancelled WHERE state = 'cancelled'`,
};
/** Where the jobs of deliveries are found, of each agent from the newest. */
const DELIVERIES = `INDEXED BY job_delivery WHERE trigger = 'webhook'`;
/** Only jobs that failed have a cause, and they lose it when they end well. */
const WITH_CAUSE: readonly JobState[] = ['retrying', 'running', 'dead'];
const MOST_ROWS = 1_000;
const MOST_IDS = 100_000;
/** Texts have no index: so many rows are read for one at most. */
const MOST_SEARCHED = 20_000;

/** Lists jobs, newest first: one look for each state, merged, so that few dead jobs are found among a million done. */
export function jobList(db: DatabaseSync): Pick<Sync<StorePorts>, 'list' | 'ids' | 'count' | 'countStale'> {
  const since = queuedSince(db);
  const statements = new Map<string, StatementSync>();

  return {
    list(filter) {
      const limit = Math.min(MOST_ROWS, Math.max(1, Math.floor(filter.limit)));
      const states = statesOf(filter);
      const places = states ? states.map((state) => PLACES[state]) : [filter.ofDeliveries ? DELIVERIES : 'WHERE true'];
      const { conditions, values } = conditionsOf(filter);
      const rows = places.flatMap(
        (place) =>
          statementFor(`${place}${conditions} ORDER BY id DESC LIMIT ?`).all(...values, limit) as unknown as JobRow[],
      );
      if (places.length > 1) rows.sort((a, b) => b.id - a.id);
      return rows.slice(0, limit).map(jobOf);
    },
    ids({ limit = MOST_IDS, ...set }) {
      const rows = statesOf(set)!.flatMap((state) => {
        const { conditions, values } = conditionsOf(set);
        const text = `SELECT id FROM job ${PLACES[state]}${conditions} ORDER BY id DESC LIMIT ?`;
        return prepared(text).all(...values, limit) as unknown as { id: number }[];
      });
      rows.sort((a, b) => b.id - a.id);
      return rows.slice(0, limit).map(({ id }) => jobIdOf(id));
    },
    count(set) {
      const { conditions, values } = conditionsOf(set);
      return statesOf(set)!.flatMap((state) => {
        const text = `SELECT count(*) AS count FROM job ${PLACES[state]}${conditions}`;
        const { count } = prepared(text).get(...values) as { count: number };
        return count === 0 ? [] : [{ state, count }];
      });
    },
    countStale(set, { now, staleAfterMs }) {
      const { conditions, values } = conditionsOf(set);
      return statesOf(set)!.reduce((sum, state) => {
        const text = `SELECT count(*) AS count FROM (SELECT * FROM job ${PLACES[state]}${conditions}) AS job
          LEFT JOIN (SELECT key AS agent, value AS ms FROM json_each(?)) AS stale ON stale.agent = job.agent
          WHERE coalesce(stale_at, coalesce(slot, queued_at) + stale.ms) < ?`;
        const { count } = prepared(text).get(...values, JSON.stringify(staleAfterMs), now) as { count: number };
        return sum + count;
      }, 0);
    },
  };

  function conditionsOf(filter: Omit<JobFilter, 'limit' | 'states'>): { conditions: string; values: SQLInputValue[] } {
    const parts: [string, SQLInputValue][] = [];
    if (filter.agent !== undefined) parts.push(['agent = ?', filter.agent]);
    if (filter.exceptPrefix !== undefined) parts.push(['instr(agent, ?) <> 1', filter.exceptPrefix]);
    if (filter.cause !== undefined) parts.push(['cause = ?', filter.cause]);
    if (filter.ofDeliveries) parts.push(['trigger = ?', 'webhook']);
    if (filter.slot !== undefined) parts.push(['slot = ?', filter.slot]);
    if (filter.before !== undefined) parts.push(['id < ?', rowOf(filter.before)]);
    if (filter.text !== undefined) {
      parts.push(['id > (SELECT max(id) FROM job) - ?', MOST_SEARCHED]);
      const pattern = `%${filter.text.replace(/[\\%_]/g, '\\$&')}%`;
      parts.push([`(error LIKE ? ESCAPE '\\'`, pattern], [`1 OR input LIKE ? ESCAPE '\\')`, pattern]);
    }
    if (filter.since !== undefined) parts.push(['id >= ?', since(filter.since)], ['queued_at >= ?', filter.since]);
    return { conditions: parts.map(([text]) => ` AND ${text}`).join(''), values: parts.map(([, value]) => value) };
  }

  function statementFor(rest: string): StatementSync {
    return prepared(`SELECT ${JOB_COLUMNS} FROM job ${rest}`);
  }

  function prepared(text: string): StatementSync {
    const statement = statements.get(text) ?? db.prepare(text);
    statements.set(text, statement);
    return statement;
  }
}

function statesOf(filter: Pick<JobFilter, 'cause' | 'states'>): JobState[] | undefined {
  if (filter.cause === undefined) return filter.states && [...new Set(filter.states)];
  return WITH_CAUSE.filter((state) => filter.states?.includes(state) ?? true);
}

/** Finds the lowest row that a job queued at or after a time can have, even if the clock was set back in between. */
function queuedSince(db: DatabaseSync): (since: number) => number {
  const first = db.prepare('SELECT min(first_job) AS row FROM queue_hour WHERE hour >= ?');
  return (since) => (first.get(hourOf(since)) as { row: number | null }).row ?? Number.MAX_SAFE_INTEGER;
}

/** The jobs of every agent in figures, for a status page; read from the small indexes only, however many jobs ended. */
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
