import type { DatabaseSync } from 'node:sqlite';
import type { Alert, AlertStore, MaintenanceWindow } from '../../../telemetry/alerts/ports.ts';
import type { Sync } from '../../ports.ts';
import { timeIn } from '../packing.ts';
import type { StampedOps } from '../wire.ts';
import { mustBeInstants, objectIn } from './faults.ts';

type Writes = Pick<Sync<AlertStore>, 'putAlerts'> & Pick<StampedOps, 'startWindow' | 'endWindows'>;
type Reads = Pick<Sync<AlertStore>, 'alerts'> & Pick<StampedOps, 'windows'>;

export function alertWrites(db: DatabaseSync): Writes {
  const put = db.prepare(`
    INSERT INTO alert (id, agent, since, ended_at, record) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET agent = excluded.agent, since = excluded.since, ended_at = excluded.ended_at,
      record = excluded.record`);
  const start = db.prepare('INSERT INTO maintenance (agent, begins, ends, note) VALUES (?, ?, ?, ?)');
  const end = db.prepare(`
    UPDATE maintenance SET ends = ?1 WHERE ends > ?1 AND (?2 IS NULL OR id = ?2)
    RETURNING id, agent, begins, ends, note`);
  return {
    putAlerts(alerts) {
      for (const { id, agent, since, endedAt, ...record } of alerts)
        put.run(id, agent, since, endedAt, JSON.stringify(record));
    },
    startWindow(now, { agent, forMs, note }) {
      const until = timeIn(now, forMs);
      const row = Number(start.run(agent, now, until, note).lastInsertRowid);
      return { id: windowIdOf(row), agent, from: now, until, note };
    },
    endWindows: (now, id) => end.all(now, id === null ? null : windowRowOf(id)).map((row) => windowOf(row as never)),
  };
}

export function alertReads(db: DatabaseSync): Reads {
  const list = db.prepare(`
    SELECT id, agent, since, ended_at, record FROM alert
    WHERE (?1 IS NULL OR ended_at IS NULL OR ended_at >= ?1) AND (?2 IS NULL OR agent = ?2)
    ORDER BY since DESC, id LIMIT ?3`);
  const open = db.prepare(
    'SELECT id, agent, begins, ends, note FROM maintenance WHERE begins <= ?1 AND ends > ?1 ORDER BY id',
  );
  return {
    alerts: ({ since, agent, limit }) =>
      (list.all(since ?? null, agent ?? null, limit) as unknown as AlertRow[]).map(alertOf),
    windows: (now) => open.all(now).map((row) => windowOf(row as never)),
  };
}

interface AlertRow {
  id: string;
  agent: string | null;
  since: number;
  ended_at: number | null;
  record: string;
}

function alertOf({ id, agent, since, ended_at: endedAt, record }: AlertRow): Alert {
  mustBeInstants(since, endedAt);
  return { id, agent, since, endedAt, ...(objectIn(record) as Omit<Alert, 'id' | 'agent' | 'since' | 'endedAt'>) };
}

interface WindowRow {
  id: number;
  agent: string | null;
  begins: number;
  ends: number;
  note: string | null;
}

function windowOf({ id, agent, begins, ends, note }: WindowRow): MaintenanceWindow {
  mustBeInstants(begins, ends);
  return { id: windowIdOf(id), agent, from: begins, until: ends, note };
}

/** `mw-3` of row 3. */
function windowIdOf(row: number): string {
  return `mw-${row}`;
}

/** The row of a maintenance window's id; 0, which no window has, for anything that a store never gave out. */
function windowRowOf(id: string): number {
  const row = /^mw-[1-9]\d{0,14}$/.test(id) ? Number(id.slice(3)) : 0;
  return Number.isSafeInteger(row) ? row : 0;
}
