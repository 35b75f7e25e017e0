import type { Evidence, Incident, IncidentStore } from '../../healing/ports.ts';
import { DRILL_PREFIX } from '../../kernel/drill-agents.ts';
import { Fault } from '../../kernel/fault.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import type { IncidentView } from '../../operations/results/agent.ts';
import type { StatusView } from '../../operations/results/status.ts';
import type { Ops } from '../../operations/table.ts';
import { instantOf } from './known.ts';

const MOST = 1_000;

/** An incident as clients see it. */
export function viewIncident(incident: Incident): IncidentView {
  const { state, openedAt, endedAt, remedies, timeline, evidence, ...rest } = incident;
  return {
    ...rest,
    state,
    openedAt: isoOf(openedAt),
    healedAt: state === 'healed' ? isoOrNull(endedAt) : null,
    endedAt: isoOrNull(endedAt),
    remedies: remedies.map(({ kind, by = null, at, what, held }) => ({
      kind,
      by,
      at: isoOf(at),
      what,
      outcome: outcomeOf(held),
    })),
    timeline: timeline.map(({ at, what, text }) => ({ at: isoOf(at), what, text })),
    evidence: evidence && viewEvidence(evidence),
  };
}

function outcomeOf(held: boolean | null): IncidentView['remedies'][number]['outcome'] {
  if (held === null) return 'pending';
  return held ? 'held' : 'did not hold';
}

function viewEvidence({ at, lines, ...rest }: Evidence): Record<string, unknown> {
  return {
    at: isoOf(at),
    ...rest,
    ...(lines ? { lines: lines.map((line) => ({ ...line, at: isoOf(line.at) })) } : {}),
  };
}

/** The part of a filter that leaves out the agents of drills, unless they are wanted. */
export function withoutDrills(drills = false): { exceptPrefix?: string } {
  return drills ? {} : { exceptPrefix: DRILL_PREFIX };
}

export type IncidentReads = Pick<IncidentStore, 'incident' | 'incidents'>;

/** Operations that read incidents, whether the host runs or not. */
export function incidentLookups(store: IncidentReads) {
  return {
    async incidents({ agent, open, since, limit, drills }: Ops['incidents']['read']) {
      const list = await store.incidents({
        limit,
        ...(agent === undefined ? withoutDrills(drills) : { agent }),
        ...(open ? { states: ['open', 'escalated'] as const satisfies Incident['state'][] } : {}),
        ...(since === undefined ? {} : { since: instantOf(since) }),
      });
      return list.map(viewIncident);
    },
    async incident({ id }: { id: string }) {
      const incident = await store.incident(id);
      if (incident) return viewIncident(incident);
      throw new Fault({ code: 'INCIDENT_UNKNOWN', message: `there is no incident ${id}`, next: 'daruma incidents' });
    },
  };
}

/** For the status: incidents that have not ended, and those healed within the last 24 hours. Drills do not count. */
export async function countIncidents(store: IncidentReads, time: Time): Promise<StatusView['incidents']> {
  const since = time.now() - DAY_MS;
  const list = await store.incidents({ ...withoutDrills(), since, limit: MOST });
  const healed = list.filter(({ state }) => state === 'healed').length;
  return { open: list.filter(({ endedAt }) => endedAt === null).length, healedToday: healed };
}
