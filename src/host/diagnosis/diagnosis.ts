import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { Catalog } from '../../catalog/ports.ts';
import { compareSources } from '../../control/source-diff.ts';
import { ADVISABLE, type CheckedAnswer, checkDiagnosis, type Diagnosis, planAsk } from '../../healing/diagnosis.ts';
import { evidencePieces, givenPieces } from '../../healing/evidence-pieces.ts';
import type { Healer } from '../../healing/healer.ts';
import type { Incident, IncidentStore } from '../../healing/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import type { Scrubber } from '../../kernel/scrub.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Time } from '../../kernel/time.ts';
import type { DiagnosisQuestion, DiagnosisResult, EvidencePiece } from '../../plugin/fleet.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Finding, FindingStore } from '../../telemetry/ports.ts';
import { newestLines } from '../api/log-lines.ts';
import type { HostFacts } from '../facts.ts';

interface GatherNeeds {
  store: Pick<IncidentStore, 'incidents' | 'remedyRecords'>;
  catalog: Pick<Catalog, 'rollouts' | 'listings'>;
  journal: { scrub: Pick<Scrubber, 'value'> };
  runnableAgents(): ReadonlyMap<string, Agent>;
  facts: Pick<HostFacts, 'logFolder'>;
}

const MOST_LINES = 40;
const MOST_INCIDENTS = 50;

type Sources = { path: string; text: string }[];

/** A remedy whose model trusts it less is shown only. */
const LEAST_CONFIDENCE = 0.5;

/**
 * Questions to a model about incidents that escalated, and what comes of the answers. The model is asked by an agent, which takes the
 * evidence from here and gives the answer back; nothing that it says counts before it was checked here. Healing waits for none of this.
 */
export interface Diagnoses {
  /** The evidence for a model, or the reason why none is asked. Rejects for an incident that has not escalated. */
  question(incident: string): Promise<DiagnosisQuestion>;
  /** The evidence that a model would be given of any incident; asks nobody, and counts for nothing. */
  evidence(incident: string): Promise<{ evidence: EvidencePiece[]; remedies: string[] }>;
  /** Takes the answer of a model. Rejects with `DIAGNOSIS_UNUSABLE` for one that cannot be kept. `model`: who gave it. */
  answer(incident: string, said: unknown, model: string | null): Promise<DiagnosisResult>;
}

export interface DiagnosesNeeds extends Omit<GatherNeeds, 'store'> {
  time: Time;
  store: GatherNeeds['store'] & Pick<IncidentStore, 'incident'> & FindingStore;
  healer: Pick<Healer, 'remark' | 'advise'>;
  events: Pick<Events, 'record'>;
  settings: Pick<HostSettings, 'models'>;
}

/** Findings that are looked through for the questions of a day. */
const MOST_LOOKED_AT = 200;

export function createDiagnoses(needs: DiagnosesNeeds): Diagnoses {
  const { time, store, healer, events } = needs;
  const evidenceOf = createEvidenceReader(needs);
  const terms = () => needs.settings.models.diagnose;

  async function escalated(id: string): Promise<Incident> {
    const incident = await incidentOf(store, id);
    if (incident.timeline.some(({ what }) => what === 'escalated')) return incident;
    const message = `${id} has not escalated: healing deals with it, and nobody is asked`;
    throw new Fault({ code: 'DIAGNOSIS_NOT_DUE', message, next: `daruma incidents ${id}` });
  }

  async function evidenceFor(incident: Incident) {
    const evidence = await evidenceOf(incident, evidenceBudget(needs.settings.models.chain));
    return { evidence, remedies: incident.agent === null ? [] : [...ADVISABLE] };
  }

  async function known({ fingerprint }: Incident): Promise<Diagnosis | undefined> {
    const [finding] = await store.findings({ kind: 'diagnosis', keys: [fingerprint], limit: 1 });
    return finding && diagnosisIn(finding);
  }

  async function keep({ fingerprint }: Incident, diagnosis: Diagnosis): Promise<Diagnosis> {
    await store.putFinding({ kind: 'diagnosis', key: fingerprint, at: time.now(), record: { ...diagnosis } });
    return diagnosis;
  }

  /** Carries the remedy out where that is allowed, and resolves with what became of it, in words. */
  async function actOn({ id, agent }: Incident, { answer }: Diagnosis): Promise<string | null> {
    if (!answer?.remedy) return null;
    const { remedy, confidence, model } = answer;
    if (terms().autonomy !== 'act')
      return `${remedy} is advised, and not carried out: models.diagnose.autonomy is suggest`;
    if (agent === null) return `${remedy} is not carried out: it is a remedy of agents, and ${id} is the host's`;
    if (confidence < LEAST_CONFIDENCE)
      return `${remedy} is not carried out: the model is sure to ${Math.round(confidence * 100)} % only`;
    const refused = await healer.advise(id, remedy, model ?? 'unnamed');
    return refused === null ? `${remedy} was carried out` : `${remedy} is not carried out: ${refused}`;
  }

  async function decide(incident: Incident, diagnosis: Diagnosis): Promise<string | null> {
    const outcome = await actOn(incident, diagnosis);
    if (outcome !== null) await keep(incident, { ...diagnosis, outcome });
    return outcome;
  }

  return {
    async question(id) {
      const incident = await escalated(id);
      const before = await known(incident);
      const all = (await store.findings({ kind: 'diagnosis', limit: MOST_LOOKED_AT })).map(diagnosisIn);
      const { perDay } = terms();
      const asked = all.flatMap(({ asks }) => asks);
      const plan = planAsk({ incident: id, now: time.now(), known: before, asked, perDay });
      if (plan.is === 'spent') {
        const why = `no model is asked: the ${perDay} questions of this day are used up (models.diagnose.perDay)`;
        healer.remark(id, why);
        return { ask: false, why };
      }
      if (plan.is === 'kept') {
        const isItsOwn = plan.known.incident === id;
        // A host that was killed after it took the answer has not decided on the remedy.
        if (!isItsOwn || plan.known.outcome === null) await decide(incident, plan.known);
        if (!isItsOwn)
          healer.remark(
            id,
            `the diagnosis of ${plan.known.incident} is that of this cause: ${plan.known.answer!.cause}`,
          );
        return { ask: false, why: `${plan.known.incident} has the diagnosis of this cause` };
      }
      const { evidence, remedies } = await evidenceFor(incident);
      const pieces = givenPieces(evidence);
      const { agent } = incident;
      await keep(incident, {
        incident: id,
        agent,
        asks: plan.asks,
        pieces,
        answer: null,
        problem: null,
        outcome: null,
      });
      return { ask: true, evidence, remedies };
    },

    evidence: async (id) => evidenceFor(await incidentOf(store, id)),

    async answer(id, said, model) {
      const incident = await escalated(id);
      const before = await known(incident);
      if (before?.incident !== id || before.answer !== null) throw new Fault(unasked(id));
      const read = checkDiagnosis(said, before.pieces);
      if ('problem' in read) {
        await keep(incident, { ...before, problem: read.problem });
        healer.remark(id, `a model was asked, and its answer is of no use: ${read.problem}`);
        throw new Fault({ code: 'DIAGNOSIS_UNUSABLE', message: read.problem });
      }
      const kept = await keep(incident, { ...before, problem: null, answer: { ...read, at: time.now(), model } });
      healer.remark(id, `diagnosis by a model (${model ?? 'unnamed'}): ${read.cause}`);
      const outcome = await decide(incident, kept);
      events.record('info', diagnosedEvent(incident, read, model, outcome));
      return { outcome };
    },
  };
}

/** The record of a finding, which this room alone writes. */
export function diagnosisIn({ record }: Pick<Finding, 'record'>): Diagnosis {
  return record as unknown as Diagnosis;
}

function diagnosedEvent({ id, agent }: Incident, answer: CheckedAnswer, model: string | null, outcome: string | null) {
  const { cause, advice, remedy, confidence, evidenceIds } = answer;
  return {
    kind: 'incident.diagnosed',
    agent,
    message: `${id} was diagnosed by a model: ${cause}`,
    data: { incident: id, cause, advice, remedy, confidence, evidence: evidenceIds, model, outcome },
    who: model === null ? 'diagnosis' : `model:${model}`,
    about: [subject.incident(id)],
    cameOf: [subject.incident(id)],
  };
}

function unasked(id: string): PlainFault {
  return {
    code: 'DIAGNOSIS_UNASKED',
    message: `nobody asked for a diagnosis of ${id}, or it has its answer`,
    next: 'ask by fleet.evidence before',
  };
}

/** Rejects with `INCIDENT_UNKNOWN`. */
export async function incidentOf(store: Pick<IncidentStore, 'incident'>, id: string): Promise<Incident> {
  const incident = await store.incident(id);
  if (incident) return incident;
  throw new Fault({ code: 'INCIDENT_UNKNOWN', message: `there is no incident ${id}`, next: 'daruma incidents' });
}

/** The evidence of a question: some 8,000 tokens, which cost a fraction of a cent. */
const MOST_CHARACTERS = 24_000;
const LEAST_CHARACTERS = 4_000;
/** Tokens for the instructions, the schema and the answer. */
const BESIDE_TOKENS = 3_000;
/** Code and log lines have more tokens than prose. */
const CHARACTERS_PER_TOKEN = 2.5;

/** The number of characters of evidence that every rung whose context is known has room for. */
function evidenceBudget(chain: HostSettings['models']['chain']): number {
  const contexts = chain.map(({ context }) => context ?? Number.POSITIVE_INFINITY);
  const free = (Math.min(...contexts) - BESIDE_TOKENS) * CHARACTERS_PER_TOKEN;
  return Math.max(LEAST_CHARACTERS, Math.min(MOST_CHARACTERS, Math.floor(free)));
}

/** Gathers the evidence of an incident, without secrets, in at most so many characters. A part that cannot be had is left out. */
function createEvidenceReader(needs: GatherNeeds) {
  const { store, catalog } = needs;

  async function linesOf({ agent, jobs }: Incident) {
    const of = jobs.at(-1) === undefined ? { agent: agent ?? undefined } : { job: jobs.at(-1)! };
    const found = await newestLines(needs.facts.logFolder, { ...of, level: 'debug' }, MOST_LINES);
    return found.map(({ line: { time, level, msg } }) => ({
      at: String(time),
      level: String(level),
      message: String(msg),
    }));
  }

  /** The files of the version that ran, and of the good version, else the one before it. */
  async function sourcesOf(agent: Agent, version: string | null): Promise<{ now: Sources; before: Sources | null }> {
    const { plugin } = agent.version;
    const id = version ?? agent.version.id;
    const known = catalog.rollouts.versionsOf(plugin).map((one) => one.id);
    const good = catalog.rollouts.statesOf(agent.name).good?.version.id;
    const before = good !== undefined && good !== id ? good : known[known.indexOf(id) - 1];
    const read = async (of: string): Promise<Sources> =>
      [...(await catalog.rollouts.sourcesOf(plugin, of))].map(([path, text]) => ({ path, text }));
    return { now: await read(id), before: before === undefined ? null : await read(before) };
  }

  return async function evidenceOf(incident: Incident, mostCharacters: number): Promise<EvidencePiece[]> {
    const { agent: name, fingerprint, version, id } = incident;
    const agent = name === null ? undefined : needs.runnableAgents().get(name);
    const [records, same, lines, sources] = await Promise.all([
      store.remedyRecords(fingerprint).catch(() => []),
      store.incidents({ ...(name === null ? {} : { agent: name }), limit: MOST_INCIDENTS }).catch(() => []),
      linesOf(incident).catch(() => []),
      agent ? sourcesOf(agent, version).catch(() => undefined) : undefined,
    ]);
    const diffs = sources?.before ? compareSources(sources.before, sources.now).map(diffText) : [];
    const before = same.filter((one) => one.fingerprint === fingerprint && one.id !== id);
    const facts = { incident, records, before, agent, lines, diffs, sources: sources?.now ?? [] };
    return evidencePieces(needs.journal.scrub.value(facts), mostCharacters);
  };
}

function diffText({ path, is, hunks }: ReturnType<typeof compareSources>[number]) {
  const lines = hunks.flatMap((hunk) => [
    `@@ -${hunk.oldStart} +${hunk.newStart} @@`,
    ...hunk.lines.map(({ sign, text }) => `${sign}${text}`),
  ]);
  return { path, text: `${path} ${is} since the version before\n${lines.join('\n')}` };
}
