import type { FleetEvent } from '../telemetry/ports.ts';
import type { Incident, IncidentReport, QuarantineRecord } from './ports.ts';

/** The event of a report, as every store writes it down with the incident. */
export function reportEvent(
  { id, agent, verdict, seen, jobs }: Incident,
  { at, kind, words, data }: IncidentReport,
): FleetEvent {
  return {
    at,
    kind,
    agent,
    message: `${id} ${words}`,
    data: { incident: id, verdict, seen, job: jobs[0] ?? null, ...data },
  };
}

type Quarantined = Pick<QuarantineRecord, 'agent' | 'incident'>;

/** The event of a quarantine whose incident is known by its id. */
export function quarantinedEvent({ agent, incident }: Quarantined, at: number): FleetEvent {
  const message = `${agent} is in quarantine: ${incident}`;
  return { at, kind: 'agent.quarantined', agent, message, data: { incident } };
}

/** The event of a quarantine that has ended; `why` in words. */
export function releasedEvent({ agent, incident }: Quarantined, why: string, at: number): FleetEvent {
  const message = `${agent} is out of quarantine: ${why}`;
  return { at, kind: 'agent.released', agent, message, data: { incident, why } };
}
