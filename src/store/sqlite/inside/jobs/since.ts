import type { DatabaseSync } from 'node:sqlite';
import { hourOf } from '../totals.ts';

/** Finds the lowest row that a job queued at or after a time can have, even if the clock was set back in between. */
export function queuedSince(db: DatabaseSync): (since: number) => number {
  const first = db.prepare('SELECT min(first_job) AS row FROM queue_hour WHERE hour >= ?');
  return (since) => (first.get(hourOf(since)) as { row: number | null }).row ?? Number.MAX_SAFE_INTEGER;
}
