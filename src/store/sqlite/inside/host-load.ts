import type { DatabaseSync } from 'node:sqlite';
import { MINUTE_MS } from '../../../kernel/measures.ts';
import type { AggregateStore, HostLoad } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';
import { startOf } from './aggregate-rows.ts';

/** The stretch of one row, in ms: 13,000 rows are 90 days, and 0.3 MB. */
const STRETCH_MS = 10 * MINUTE_MS;

export function hostLoadWrites(db: DatabaseSync): Pick<Sync<AggregateStore>, 'putHostLoad'> {
  const put = db.prepare(`
    INSERT INTO host_load (start, workers, busy, waiting) VALUES (?, ?, ?, ?)
    ON CONFLICT (start) DO UPDATE SET workers = max(workers, excluded.workers), busy = max(busy, excluded.busy),
      waiting = max(waiting, excluded.waiting)`);
  return {
    putHostLoad: ({ at, workers, busy, waiting }) => void put.run(startOf(STRETCH_MS, at), workers, busy, waiting),
  };
}

export function hostLoadReads(db: DatabaseSync): Pick<Sync<AggregateStore>, 'hostLoad'> {
  // A number of JavaScript is bound as a real one: without the remainder nothing would be rounded down.
  const most = db.prepare(`
    SELECT start - start % ?3 AS at, max(workers) AS workers, max(busy) AS busy, max(waiting) AS waiting
    FROM host_load WHERE start >= ?1 AND start < ?2 GROUP BY 1 ORDER BY 1`);
  return {
    hostLoad: ({ from, to, stepMs }) => most.all(from, to, stepMs) as unknown as HostLoad[],
  };
}
