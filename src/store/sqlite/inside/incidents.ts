import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { quarantinedEvent, releasedEvent, reportEvent } from '../../../healing/incident-reports.ts';
import type { Incident, IncidentReport, Mute, QuarantineRecord, RemedyRecord } from '../../../healing/ports.ts';
import { Fault } from '../../../kernel/fault.ts';
import { hostPrefix, ownerText } from '../ids.ts';
import { timeIn } from '../packing.ts';
import type { StoreOps } from '../wire.ts';
import type { eventWrites } from './events.ts';
import { mustBeInstants, objectIn, UnreadableRow } from './faults.ts';

type Reads = Pick<StoreOps, 'incident' | 'incidents' | 'remedyRecords' | 'quarantines' | 'mutes'>;
type Writes = Pick<
  StoreOps,
  'openIncident' | 'updateIncident' | 'holdIncidents' | 'recordRemedy' | 'putQuarantine' | 'endQuarantine' | 'muteCause'
>;

const COLUMNS = 'id, agent, verdict, state, opened_at, ended_at, fingerprint, record';
/** The number of incidents that are held at once; the rest waits for its turn. */
const MOST_HELD = 1_000;

export function incidentWrites(db: DatabaseSync, events: ReturnType<typeof eventWrites>): Writes {
  const insert = db.prepare(`
    INSERT INTO incident (agent, verdict, state, opened_at, ended_at, fingerprint, record, owner, lease_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const update = db.prepare(`
    UPDATE incident SET agent = ?, verdict = ?, state = ?, opened_at = ?, ended_at = ?, fingerprint = ?, record = ?
    WHERE id = ?`);
  const holderOf = db.prepare('SELECT owner FROM incident WHERE id = ?');
  const others = db.prepare(`
    SELECT id FROM incident WHERE ended_at IS NULL AND agent IS ?1 AND fingerprint = ?2
      AND substr(owner, 1, length(?3)) <> ?3 AND lease_until >= ?4 ORDER BY id LIMIT 1`);
  const hold = db.prepare(`
    UPDATE incident SET owner = ?1, lease_until = ?2 WHERE id IN (
      SELECT id FROM incident INDEXED BY incident_unended WHERE ended_at IS NULL
        AND (owner IS NULL OR substr(owner, 1, length(?3)) = ?3 OR lease_until IS NULL OR lease_until < ?4)
      ORDER BY id LIMIT ${MOST_HELD})
    RETURNING ${COLUMNS}`);
  const record = db.prepare(`
    INSERT INTO remedy (fingerprint, kind, tried, held) VALUES (?, ?, 1, ?)
    ON CONFLICT (fingerprint, kind) DO UPDATE SET tried = tried + 1, held = held + excluded.held`);
  const put = db.prepare(`
    INSERT INTO quarantine (agent, since, incident, probes, next_probe_at, fingerprint) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (agent) DO UPDATE SET since = excluded.since, incident = excluded.incident, probes = excluded.probes,
      next_probe_at = excluded.next_probe_at, fingerprint = excluded.fingerprint`);
  const end = db.prepare('DELETE FROM quarantine WHERE agent = ? RETURNING incident');
  const incidentOfQuarantine = db.prepare('SELECT incident FROM quarantine WHERE agent = ?');
  const append = (incident: Incident, reports: IncidentReport[]) =>
    events.append(reports.map((one) => reportEvent(incident, one)));
  const mute = db.prepare(`
    INSERT INTO mute (fingerprint, until) VALUES (?, ?) ON CONFLICT (fingerprint) DO UPDATE SET until = excluded.until`);
  const unmute = db.prepare('DELETE FROM mute WHERE fingerprint = ?');
  return {
    openIncident(now, incident, { owner, leaseMs }, reports = []) {
      const { agent, fingerprint, endedAt } = incident;
      const other = endedAt === null ? others.get(agent, fingerprint, hostPrefix(owner.host), now) : undefined;
      if (other) return { id: incidentIdOf(other.id as number), isNew: false };
      const row = insert.run(...columnsOf(incident), ownerText(owner), timeIn(now, leaseMs)).lastInsertRowid;
      const id = incidentIdOf(Number(row));
      append({ ...incident, id }, reports);
      return { id, isNew: true };
    },
    updateIncident({ id, ...incident }, by, reports = []) {
      const row = incidentRowOf(id);
      const known = holderOf.get(row) as { owner: string | null } | undefined;
      if (!known) throw incidentUnknown(id);
      if (by && known.owner !== null && !known.owner.startsWith(hostPrefix(by.host))) throw incidentHeld(id);
      update.run(...columnsOf(incident), row);
      append({ ...incident, id }, reports);
    },
    holdIncidents(now, { owner, leaseMs }) {
      const rows = hold.all(ownerText(owner), timeIn(now, leaseMs), hostPrefix(owner.host), now);
      return (rows as unknown as IncidentRow[]).sort((a, b) => a.id - b.id).map(incidentOf);
    },
    recordRemedy: (fingerprint, kind, held) => void record.run(fingerprint, kind, held ? 1 : 0),
    putQuarantine(now, one) {
      const before = incidentOfQuarantine.get(one.agent) as { incident: string } | undefined;
      put.run(one.agent, one.since, one.incident, one.probes, one.nextProbeAt, one.fingerprint);
      if (one.incident && !before?.incident) events.append([quarantinedEvent(one, now)]);
    },
    endQuarantine(now, agent, _by, ended) {
      const before = end.get(agent) as { incident: string } | undefined;
      if (before && ended) events.append([releasedEvent({ agent, ...before }, { ...ended, at: now })]);
    },
    muteCause(now, fingerprint, forMs) {
      const until = forMs === null ? null : timeIn(now, forMs);
      if (until === null) unmute.run(fingerprint);
      else mute.run(fingerprint, until);
      return until;
    },
  };
}

export function incidentReads(db: DatabaseSync): Reads {
  const one = db.prepare(`SELECT ${COLUMNS} FROM incident WHERE id = ?`);
  const records = db.prepare('SELECT fingerprint, kind, tried, held FROM remedy WHERE fingerprint = ? ORDER BY kind');
  const held = db.prepare(`
    SELECT agent, since, incident, probes, next_probe_at AS nextProbeAt, fingerprint FROM quarantine ORDER BY agent`);
  const muted = db.prepare('SELECT fingerprint, until FROM mute ORDER BY fingerprint');
  const lists = new Map<string, StatementSync>();
  return {
    incident(id) {
      const row = one.get(incidentRowOf(id)) as unknown as IncidentRow | undefined;
      return row && incidentOf(row);
    },
    incidents({ agent, exceptPrefix, states, since, limit }) {
      const parts: [string, ...SQLInputValue[]][] = [['true']];
      if (agent !== undefined) parts.push(['agent = ?', agent]);
      if (exceptPrefix !== undefined) parts.push(['(agent IS NULL OR instr(agent, ?) <> 1)', exceptPrefix]);
      if (states !== undefined) parts.push(['state IN (SELECT value FROM json_each(?))', JSON.stringify(states)]);
      if (since !== undefined) parts.push(['(ended_at IS NULL OR ended_at >= ?)', since]);
      const where = parts.map(([text]) => text).join(' AND ');
      const list =
        lists.get(where) ?? db.prepare(`SELECT ${COLUMNS} FROM incident WHERE ${where} ORDER BY id DESC LIMIT ?`);
      lists.set(where, list);
      const rows = list.all(...parts.flatMap(([, ...values]) => values), limit) as unknown as IncidentRow[];
      return rows.map(incidentOf);
    },
    remedyRecords: (fingerprint) => records.all(fingerprint).map((row) => ({ ...row }) as unknown as RemedyRecord),
    quarantines: () =>
      held.all().map((row) => {
        const record = { ...row } as unknown as QuarantineRecord;
        mustBeInstants(record.since, record.nextProbeAt);
        return record;
      }),
    mutes: () =>
      muted.all().map((row) => {
        const mute = { ...row } as unknown as Mute;
        mustBeInstants(mute.until);
        return mute;
      }),
  };
}

function incidentUnknown(id: string): Fault {
  return new Fault({ code: 'INCIDENT_UNKNOWN', message: `there is no incident ${id}`, next: 'daruma incidents' });
}

function incidentHeld(id: string): Fault {
  return new Fault({
    code: 'INCIDENT_HELD',
    message: `another host holds the incident ${id}`,
    next: 'daruma incidents',
  });
}

interface IncidentRow {
  id: number;
  agent: string | null;
  verdict: Incident['verdict'];
  state: Incident['state'];
  opened_at: number;
  ended_at: number | null;
  fingerprint: string;
  record: string;
}

type IncidentParts = Omit<Incident, 'id' | 'agent' | 'verdict' | 'state' | 'openedAt' | 'endedAt' | 'fingerprint'>;

function recordIn(text: string): IncidentParts {
  const record = objectIn(text) as unknown as IncidentParts;
  const isWhole = [record.jobs, record.remedies, record.timeline].every(Array.isArray);
  if (!isWhole || typeof record.seen !== 'string') throw new UnreadableRow('no record of an incident');
  return record;
}

function columnsOf(incident: Omit<Incident, 'id'>): SQLInputValue[] {
  const { agent, verdict, state, openedAt, endedAt, fingerprint, ...record } = incident;
  return [agent, verdict, state, openedAt, endedAt, fingerprint, JSON.stringify(record)];
}

function incidentOf(row: IncidentRow): Incident {
  const { id, agent, verdict, state, opened_at: openedAt, ended_at: endedAt, fingerprint, record } = row;
  mustBeInstants(openedAt, endedAt);
  const rest = recordIn(record);
  return { id: incidentIdOf(id), agent, verdict, state, openedAt, endedAt, fingerprint, ...rest };
}

/** `inc-42` of row 42. */
function incidentIdOf(row: number): string {
  return `inc-${row}`;
}

/** The row of an incident's id; 0, which no incident has, for anything that a store never gave out. */
function incidentRowOf(id: string): number {
  const row = /^inc-[1-9]\d{0,14}$/.test(id) ? Number(id.slice(4)) : 0;
  return Number.isSafeInteger(row) ? row : 0;
}
