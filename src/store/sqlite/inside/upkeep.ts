import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS } from '../../../kernel/measures.ts';
import type { StorePorts, Sync } from '../../ports.ts';
import { batchPruning } from './batches.ts';
import { hourOf } from './figures.ts';

/** Hourly totals are small and show last year's season; they go a year (and a month) after their jobs. */
const TOTALS_OUTLIVE_JOBS_MS = 400 * DAY_MS;

/** Tables whose rows go with their job. */
const OF_A_JOB = ['attempt', 'effect', 'further_key', 'limited_job'];

export function upkeepWrites(db: DatabaseSync): Pick<Sync<StorePorts>, 'prune'> {
  // A job that is queued in a later hour cannot have ended before: the look stops there instead of at the store's end.
  const jobsEnd = db.prepare('SELECT min(first_job) AS row FROM queue_hour WHERE hour > ?');
  // The newest job stays, since the next row is counted from it and a row must never come back.
  const oldJobs = db.prepare(`
    SELECT id FROM job WHERE id < ? AND id < (SELECT max(id) FROM job)
      AND state IN ('done', 'dead', 'cancelled') AND finished_at < ? ORDER BY id LIMIT ?`);
  const ofJobs = [...OF_A_JOB.map((table) => `${table} WHERE job`), 'job WHERE id'].map((rows) =>
    db.prepare(`DELETE FROM ${rows} IN (SELECT value FROM json_each(?))`),
  );
  // The newest slot of an agent that was not cancelled stays: the schedule goes on from it.
  const slots = db.prepare(`
    DELETE FROM slot WHERE (agent, due) IN (
      SELECT agent, due FROM slot AS old WHERE due < ?1 AND state <> 'planned' AND decided_at < ?1
        AND due < (SELECT max(due) FROM slot WHERE agent = old.agent AND state <> 'cancelled')
      ORDER BY due LIMIT ?2)`);
  // The newest one stays: listeners know events by their ids, and no id may come back.
  const events = db.prepare(`
    DELETE FROM event WHERE id IN (
      SELECT id FROM event WHERE at < ? AND id < (SELECT max(id) FROM event) ORDER BY at LIMIT ?)`);
  const subjects = db.prepare(`
    DELETE FROM event_about WHERE event IN (
      SELECT event FROM event_about WHERE event < (SELECT min(id) FROM event) ORDER BY event LIMIT ?)`);

  // The newest one stays: the next id is counted from it.
  const incidents = db.prepare(`
    DELETE FROM incident WHERE id IN (
      SELECT id FROM incident WHERE ended_at < ? AND id < (SELECT max(id) FROM incident) ORDER BY ended_at LIMIT ?)`);

  const asides = db.prepare('DELETE FROM set_aside WHERE id IN (SELECT id FROM set_aside WHERE at < ? LIMIT ?)');

  // The job of an agent that runs always never ends: what it did long ago is forgotten, as with jobs that have ended. (Most of the time it runs.)
  const ofRuns = db.prepare(`
    DELETE FROM effect WHERE ended_at < ? AND job IN (
      SELECT id FROM job WHERE state = 'running' AND trigger = 'always')`);

  const heartbeats = db.prepare('DELETE FROM heartbeat WHERE at < ?');

  const findings = db.prepare('DELETE FROM finding WHERE at < ?');

  const alerts = db.prepare('DELETE FROM alert WHERE ended_at < ?');

  // The newest one stays: the next id is counted from it.
  const windows = db.prepare('DELETE FROM maintenance WHERE ends < ? AND id < (SELECT max(id) FROM maintenance)');

  const mutes = db.prepare('DELETE FROM mute WHERE until < ?');

  const batches = batchPruning(db);

  const totals = db.prepare('DELETE FROM hour_total WHERE hour < ?');

  return {
    prune(before, limit) {
      totals.run(before.jobs - TOTALS_OUTLIVE_JOBS_MS);
      const end = (jobsEnd.get(hourOf(before.jobs)) as { row: number | null }).row ?? Number.MAX_SAFE_INTEGER;
      const rows = (oldJobs.all(end, before.jobs, limit) as { id: number }[]).map(({ id }) => id);
      if (rows.length > 0) for (const statement of ofJobs) statement.run(JSON.stringify(rows));
      const gone = [
        slots.run(before.slots, limit),
        events.run(before.events, limit),
        incidents.run(before.events, limit),
        asides.run(before.events, limit),
        ofRuns.run(before.jobs),
        heartbeats.run(before.events),
        findings.run(before.events),
        mutes.run(before.events),
        alerts.run(before.events),
        windows.run(before.events),
      ];
      subjects.run(limit);
      return gone.reduce((sum, { changes }) => sum + Number(changes), rows.length + batches(before.events, limit));
    },
  };
}

export function upkeepReads(db: DatabaseSync, file: string): Pick<Sync<StorePorts>, 'health'> {
  const schema = db.prepare('PRAGMA user_version');
  return {
    health(options) {
      return {
        schema: (schema.get() as { user_version: number }).user_version,
        bytes: [file, `${file}-wal`].reduce((sum, name) => sum + sizeOf(name), 0),
        detail: options?.thorough ? damageOf(db) : null,
      };
    },
  };
}

/** The damage that SQLite finds; damage that ends the check itself counts, too. */
function damageOf(db: DatabaseSync): string | null {
  try {
    const rows = db.prepare('PRAGMA integrity_check(10)').all() as { integrity_check: string }[];
    const found = rows.map((row) => row.integrity_check).join('\n');
    return found === 'ok' ? null : found;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
