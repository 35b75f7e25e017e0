import { subject } from '../kernel/subjects.ts';
import type { FleetEvent } from '../telemetry/ports.ts';
import type { Incident, IncidentReport, QuarantineRecord } from './ports.ts';

/**
 * The event of a report, as every store writes it down with the incident. Events of an incident come of each other, the first of them of
 * what the report names.
 */
export function reportEvent({ id, agent, verdict, seen, jobs }: Incident, report: IncidentReport): FleetEvent {
  const { at, kind, words, data, who = 'healing', about = [], cameOf = [], isPlain = false } = report;
  return {
    ...{ at, kind, agent, who },
    message: isPlain ? words : `${id} ${words}`,
    data: isPlain ? data : { incident: id, verdict, seen, job: jobs[0] ?? null, ...data },
    about: [subject.incident(id), ...about],
    cameOf: [subject.incident(id), ...cameOf],
  };
}

type Quarantined = Pick<QuarantineRecord, 'agent' | 'incident'>;

/** The event of a quarantine whose incident is known by its id. */
export function quarantinedEvent({ agent, incident }: Quarantined, at: number): FleetEvent {
  const message = `${agent} is in quarantine: ${incident}`;
  return {
    ...{ at, kind: 'agent.quarantined', agent, message, data: { incident }, who: 'healing' },
    about: [subject.quarantine(agent)],
    cameOf: [subject.incident(incident)],
  };
}

/** The event of a quarantine that has ended; `why` in words. */
export function releasedEvent(
  { agent, incident }: Quarantined,
  { why, at, who = 'healing' }: { why: string; at: number; who?: string | undefined },
): FleetEvent {
  const message = `${agent} is out of quarantine: ${why}`;
  const about = [subject.quarantine(agent)];
  return { at, kind: 'agent.released', agent, message, data: { incident, why }, who, about, cameOf: about };
}
