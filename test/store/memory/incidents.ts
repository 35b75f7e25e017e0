import { quarantinedEvent, releasedEvent, reportEvent } from '../../../src/healing/incident-reports.ts';
import type {
  HealingChange,
  Incident,
  IncidentFilter,
  IncidentReport,
  IncidentTerms,
  Mute,
  QuarantineEnd,
  QuarantineRecord,
  RemedyKind,
  RemedyRecord,
} from '../../../src/healing/ports.ts';
import type { Owner } from '../../../src/jobs/ports.ts';
import { Fault } from '../../../src/kernel/fault.ts';
import type { FleetEvent } from '../../../src/telemetry/ports.ts';
import type { TestClock } from '../laws/world.ts';
import type { Calls } from './jobs.ts';

/** Incidents, remedies, quarantines and mutes of a store in memory. */
export function memoryIncidents(
  clock: TestClock,
  tell: (change: HealingChange) => void,
  append: (events: FleetEvent[]) => void,
) {
  const rows = new Map<string, { incident: Incident; host: string; until: number }>();
  const remedies = new Map<string, RemedyRecord>();
  const held = new Map<string, QuarantineRecord>();
  const mutes = new Map<string, Mute>();
  let ids = 0;
  const isFree = (id: string, { host }: Owner) => {
    const row = rows.get(id)!;
    return row.host === host || row.until < clock.now;
  };
  const unended = () => [...rows.values()].map(({ incident }) => incident).filter(({ endedAt }) => endedAt === null);

  const calls: Calls = {
    openIncident(incident: Omit<Incident, 'id'>, { owner, leaseMs }: IncidentTerms, reports: IncidentReport[] = []) {
      const isSame = (one: Incident) => one.agent === incident.agent && one.fingerprint === incident.fingerprint;
      const other = unended().find((one) => isSame(one) && !isFree(one.id, owner));
      if (other && incident.endedAt === null) return { id: other.id, isNew: false };
      const id = `inc-${++ids}`;
      rows.set(id, { incident: { id, ...incident }, host: owner.host, until: clock.now + leaseMs });
      append(reports.map((one) => reportEvent({ id, ...incident }, one)));
      tell({ is: 'incident', by: owner.host });
      return { id, isNew: true };
    },
    updateIncident(incident: Incident, by: Owner | null, reports: IncidentReport[] = []) {
      const row = rows.get(incident.id);
      if (!row) throw new Fault({ code: 'INCIDENT_UNKNOWN', message: `no ${incident.id}` });
      if (by && row.host !== by.host) throw new Fault({ code: 'INCIDENT_HELD', message: `${row.host} has it` });
      row.incident = incident;
      append(reports.map((one) => reportEvent(incident, one)));
      tell({ is: 'incident', by: by?.host ?? null });
    },
    holdIncidents({ owner, leaseMs }: IncidentTerms) {
      const mine = unended().filter(({ id }) => isFree(id, owner));
      for (const { id } of mine) Object.assign(rows.get(id)!, { host: owner.host, until: clock.now + leaseMs });
      return mine;
    },
    incident: (id: string) => rows.get(id)?.incident,
    incidents: ({ agent, exceptPrefix, states, since, limit }: IncidentFilter) =>
      [...rows.values()]
        .map(({ incident }) => incident)
        .filter((one) => agent === undefined || one.agent === agent)
        .filter((one) => exceptPrefix === undefined || !one.agent?.startsWith(exceptPrefix))
        .filter((one) => states === undefined || states.includes(one.state))
        .filter((one) => since === undefined || one.endedAt === null || one.endedAt >= since)
        .reverse()
        .slice(0, limit),
    recordRemedy(fingerprint: string, kind: RemedyKind, isHeld: boolean) {
      const name = `${fingerprint} ${kind}`;
      const { tried, held: before } = remedies.get(name) ?? { tried: 0, held: 0 };
      remedies.set(name, { fingerprint, kind, tried: tried + 1, held: before + Number(isHeld) });
    },
    remedyRecords: (fingerprint: string) =>
      [...remedies.values()]
        .filter((one) => one.fingerprint === fingerprint)
        .sort((a, b) => (a.kind < b.kind ? -1 : 1)),
    putQuarantine(record: QuarantineRecord, by: Owner) {
      if (record.incident && !held.get(record.agent)?.incident) append([quarantinedEvent(record, clock.now)]);
      held.set(record.agent, record);
      tell({ is: 'quarantine', by: by.host });
    },
    endQuarantine(agent: string, by: Owner, end?: QuarantineEnd) {
      const before = held.get(agent);
      if (before && end) append([releasedEvent(before, { ...end, at: clock.now })]);
      held.delete(agent);
      tell({ is: 'quarantine', by: by.host });
    },
    quarantines: () => [...held.values()].sort((a, b) => (a.agent < b.agent ? -1 : 1)),
    muteCause(fingerprint: string, forMs: number | null) {
      const until = forMs === null ? null : clock.now + forMs;
      if (until === null) mutes.delete(fingerprint);
      else mutes.set(fingerprint, { fingerprint, until });
      tell({ is: 'mute', by: null });
      return until;
    },
    mutes: () => [...mutes.values()].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1)),
  };
  return {
    calls,
    prune(before: number, limit: number): number {
      const old = [...rows.values()]
        .map(({ incident }) => incident)
        .filter(({ id, endedAt }) => endedAt !== null && endedAt < before && id !== `inc-${ids}`)
        .slice(0, limit);
      for (const { id } of old) rows.delete(id);
      const over = [...mutes.values()].filter(({ until }) => until < before);
      for (const { fingerprint } of over) mutes.delete(fingerprint);
      return old.length + over.length;
    },
  };
}
