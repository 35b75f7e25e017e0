import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { FleetEvent } from '../../../telemetry/ports.ts';
import type { StorePorts, Sync } from '../../ports.ts';
import { mustBeInstants, objectIn } from './faults.ts';

export function eventWrites(db: DatabaseSync): Pick<Sync<StorePorts>, 'append'> {
  const insert = db.prepare('INSERT INTO event (at, kind, agent, message, data) VALUES (?, ?, ?, ?, ?)');
  return {
    append(events) {
      for (const { at, kind, agent, message, data } of events) {
        insert.run(at, kind, agent, message, data === undefined ? null : JSON.stringify(data));
      }
    },
  };
}

export function eventReads(db: DatabaseSync): Pick<Sync<StorePorts>, 'events'> {
  const statements = new Map<string, StatementSync>();
  return {
    events({ kind, agent, since, limit }) {
      const parts: [string, SQLInputValue][] = [['at >= ?', since ?? Number.MIN_SAFE_INTEGER]];
      if (kind !== undefined) parts.push(['kind = ?', kind]);
      if (agent !== undefined) parts.push(['agent = ?', agent]);
      const where = parts.map(([text]) => text).join(' AND ');
      let statement = statements.get(where);
      if (!statement) {
        statement = db.prepare(`SELECT * FROM event WHERE ${where} ORDER BY at DESC, id DESC LIMIT ?`);
        statements.set(where, statement);
      }
      const rows = statement.all(...parts.map(([, value]) => value), limit) as unknown as EventRow[];
      return rows.map(eventOf);
    },
  };
}

export interface EventRow {
  id: number;
  at: number;
  kind: string;
  agent: string | null;
  message: string;
  data: string | null;
}

export function eventOf({ data, ...rest }: EventRow): FleetEvent & { id: number } {
  mustBeInstants(rest.at);
  return data === null ? { ...rest } : { ...rest, data: objectIn(data) };
}
