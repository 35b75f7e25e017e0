import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { CauseLine, KeptEvent } from '../../../telemetry/ports.ts';
import type { StorePorts, Sync } from '../../ports.ts';
import { mustBeInstants, objectIn } from './faults.ts';

export function eventWrites(db: DatabaseSync): Pick<Sync<StorePorts>, 'append'> {
  const insert = db.prepare(
    'INSERT INTO event (at, kind, agent, message, data, who, cause) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const newestAbout = db.prepare('SELECT event FROM event_about WHERE name = ?');
  const mark = db.prepare(
    'INSERT INTO event_about (name, event) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET event = ?2',
  );

  /** Looked for before the event is written: a cause is always older, so no line of causes comes back to itself. */
  function causeIn(subjects: readonly string[]): number | null {
    for (const name of subjects) {
      const found = newestAbout.get(name) as { event: number } | undefined;
      if (found) return found.event;
    }
    return null;
  }

  return {
    append(events) {
      for (const { at, kind, agent, message, data, who = null, about = [], cameOf = [] } of events) {
        const text = data === undefined ? null : JSON.stringify(data);
        const id = insert.run(at, kind, agent, message, text, who, causeIn(cameOf)).lastInsertRowid;
        for (const name of about) mark.run(name, id);
      }
    },
  };
}

export function eventReads(db: DatabaseSync): Pick<Sync<StorePorts>, 'events' | 'causesOf'> {
  const statements = new Map<string, StatementSync>();
  const newestAbout = db.prepare('SELECT event FROM event_about WHERE name = ?');
  const before = db.prepare(`
    WITH RECURSIVE line (id, cause, depth) AS (
      SELECT id, cause, 1 FROM event WHERE id = ?1
      UNION ALL
      SELECT event.id, event.cause, depth + 1 FROM event JOIN line ON event.id = line.cause AND event.id < line.id
        WHERE depth < ?2)
    SELECT event.* FROM event JOIN line ON event.id = line.id ORDER BY event.id`);
  const after = db.prepare(`
    WITH RECURSIVE effects (id) AS (
      SELECT id FROM event INDEXED BY event_cause WHERE cause = ?1
      UNION ALL
      SELECT event.id FROM effects JOIN event INDEXED BY event_cause ON event.cause = effects.id AND event.id > effects.id
      ORDER BY 1 LIMIT ?2)
    SELECT event.* FROM event JOIN effects ON event.id = effects.id ORDER BY event.id`);
  const rowsOf = (statement: StatementSync, ...args: SQLInputValue[]) =>
    (statement.all(...args) as unknown as EventRow[]).map(eventOf);

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
      return rowsOf(statement, ...parts.map(([, value]) => value), limit);
    },
    causesOf(of, limit): CauseLine | undefined {
      const id = 'id' in of ? of.id : (newestAbout.get(of.about) as { event: number } | undefined)?.event;
      if (id === undefined) return undefined;
      const line = rowsOf(before, id, limit);
      if (line.length === 0) return undefined;
      return { line, after: rowsOf(after, id, limit), isWhole: line[0]!.cause === null };
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
  cause: number | null;
  who: string | null;
}

export function eventOf({ data, ...rest }: EventRow): KeptEvent {
  mustBeInstants(rest.at);
  return data === null ? { ...rest } : { ...rest, data: objectIn(data) };
}
