import type { Diagnosis } from '../../healing/diagnosis.ts';
import { mutedUntil, mutesNow } from '../../healing/mutes.ts';
import type { Evidence, Incident, IncidentStore } from '../../healing/ports.ts';
import { DRILL_PREFIX } from '../../kernel/drill-agents.ts';
import { given } from '../../kernel/given.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Time } from '../../kernel/time.ts';
import type { DiagnosisView, IncidentView } from '../../operations/results/agent.ts';
import type { StatusView } from '../../operations/results/status.ts';
import type { Ops } from '../../operations/table.ts';
import type { FindingStore } from '../../telemetry/ports.ts';
import { diagnosisIn, incidentOf } from '../diagnosis/diagnosis.ts';
import type { HostContext } from '../host-context.ts';
import { type OpTable, whoOf } from './handlers.ts';
import { instantOf } from './known.ts';

const MOST = 1_000;

/** An incident as clients see it. `mutedUntil`: the end of its cause's mute, epoch ms; null: the cause is not muted. */
function viewIncident(incident: Incident, mutedUntil: number | null, diagnosis: Diagnosis | undefined): IncidentView {
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
    mutedUntil: isoOrNull(mutedUntil),
    diagnosis: diagnosis ? viewDiagnosis(diagnosis) : null,
  };
}

function viewDiagnosis({ incident, answer, pieces, outcome }: Diagnosis): DiagnosisView | null {
  if (answer === null) return null;
  const { at, model, cause, evidenceIds, advice, remedy, confidence } = answer;
  const evidence = pieces.filter(({ id }) => evidenceIds.includes(id));
  return { incident, at: isoOf(at), model, cause, evidence, advice, remedy, confidence, outcome };
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

export type IncidentReads = Pick<IncidentStore, 'incident' | 'incidents' | 'mutes'> & Pick<FindingStore, 'findings'>;

interface IncidentNeeds<Store> {
  time: Pick<Time, 'now'>;
  store: Store;
}

/** The incidents with the mutes of now, and the diagnoses of their causes. */
export async function incidentViews(
  { time, store }: IncidentNeeds<Pick<IncidentReads, 'mutes' | 'findings'>>,
  incidents: readonly Incident[],
): Promise<IncidentView[]> {
  const keys = [...new Set(incidents.map(({ fingerprint }) => fingerprint))];
  const [muted, findings] = await Promise.all([
    store.mutes(),
    store.findings({ kind: 'diagnosis', keys, limit: keys.length }),
  ]);
  const mutes = mutesNow(muted, time.now());
  const diagnoses = new Map(findings.map((finding) => [finding.key, diagnosisIn(finding)]));
  return incidents.map((one) => viewIncident(one, mutedUntil([one], mutes), diagnoses.get(one.fingerprint)));
}

/** Operations that read incidents, whether the host runs or not. */
export function incidentLookups({ time, store }: IncidentNeeds<IncidentReads>) {
  return {
    async incidents({ agent, open, since, limit, drills }: Ops['incidents']['read']) {
      const list = await store.incidents({
        limit,
        ...(agent === undefined ? withoutDrills(drills) : { agent }),
        ...(open ? { states: ['open', 'escalated'] as const satisfies Incident['state'][] } : {}),
        ...(since === undefined ? {} : { since: instantOf(since) }),
      });
      return incidentViews({ time, store }, list);
    },
    async incident({ id }: { id: string }) {
      const [view] = await incidentViews({ time, store }, [await incidentOf(store, id)]);
      return view!;
    },
  };
}

/** The operations by which people close incidents and mute their causes. */
export function incidentOps({
  time,
  store,
  healer,
  events,
}: Pick<HostContext, 'time' | 'store' | 'healer' | 'events'>): Pick<OpTable, 'ack' | 'mute' | 'unmute'> {
  /** Healing goes on as before: the mute only ends what people are told. */
  async function mute(id: string, forMs: number | null, who: string | undefined) {
    const incident = await incidentOf(store, id);
    const { agent, fingerprint } = incident;
    const until = await store.muteCause(fingerprint, forMs);
    const is = until === null ? 'muted no more' : `muted until ${isoOf(until)}`;
    events.record('info', {
      kind: until === null ? 'incident.unmuted' : 'incident.muted',
      agent,
      message: `the cause of ${id} is ${is}`,
      data: { incident: id, fingerprint },
      about: [subject.incident(id)],
      cameOf: [subject.incident(id)],
      ...given({ who }),
    });
    const [view] = await incidentViews({ time, store }, [incident]);
    return view!;
  }

  return {
    async ack({ id, note }, call) {
      const [view] = await incidentViews({ time, store }, [await healer.acknowledge(id, note ?? null, whoOf(call))]);
      return view!;
    },
    mute: ({ id, forMs }, call) => mute(id, forMs, whoOf(call)),
    unmute: ({ id }, call) => mute(id, null, whoOf(call)),
  };
}

/**
 * For the status: incidents that have not ended, those healed within the last 24 hours, and open ones with a muted cause, which
 * do not count as open. Drills do not count.
 */
export async function countIncidents(store: IncidentReads, time: Time): Promise<StatusView['incidents']> {
  const now = time.now();
  const [list, mutes] = await Promise.all([
    store.incidents({ ...withoutDrills(), since: now - DAY_MS, limit: MOST }),
    store.mutes(),
  ]);
  const current = mutesNow(mutes, now);
  const open = list.filter(({ endedAt }) => endedAt === null);
  const muted = open.filter((incident) => mutedUntil([incident], current) !== null).length;
  const healedToday = list.filter(({ state }) => state === 'healed').length;
  return { open: open.length - muted, healedToday, muted };
}
