import { beforeEach, describe, expect, it } from 'vitest';
import { createDiagnoses, diagnosisIn } from '../../src/host/diagnosis/diagnosis.ts';
import { createScrubber } from '../../src/kernel/scrub.ts';
import type { DiagnosisQuestion } from '../../src/plugin/fleet.ts';
import type { FleetEvent } from '../../src/telemetry/ports.ts';
import { MINUTE, quiet, type World, world } from '../healing/world.ts';
import { memoryFindings } from '../store/memory/records.ts';

let at: World;
let autonomy: 'suggest' | 'act';
let perDay: number;
let source: string;
let recorded: Omit<FleetEvent, 'at'>[];
const SECRET = 'very-secret-value';
const ANSWER = { cause: 'a leak', evidenceIds: ['E1'], advice: 'bound it', remedy: 'own-cell', confidence: 0.9 };

const findings = () => kept as never as Parameters<typeof createDiagnoses>[0]['store'];
let kept: ReturnType<typeof memoryFindings>['calls'];

beforeEach(async () => {
  at = await world();
  autonomy = 'suggest';
  perDay = 5;
  source = `const key = '${SECRET}';`;
  recorded = [];
  kept = memoryFindings().calls;
});

function diagnoses() {
  const { incidentStore, clock, healer } = at;
  return createDiagnoses({
    time: clock,
    store: {
      incident: (id) => incidentStore.incident(id),
      incidents: (filter) => incidentStore.incidents(filter),
      remedyRecords: (fingerprint) => incidentStore.remedyRecords(fingerprint),
      findings: async (filter) => findings().findings(filter),
      putFinding: async (finding) => findings().putFinding(finding),
    },
    healer,
    events: { record: (_, event) => void recorded.push(event) },
    settings: { models: { chain: [], diagnose: { autonomy, perDay } } } as never,
    catalog: {
      rollouts: {
        versionsOf: () => [{ id: 'v0' }, { id: 'v1' }],
        statesOf: () => ({ good: null }),
        sourcesOf: async (_: string, id: string) => new Map([['plugins/a.ts', id === 'v0' ? 'old' : source]]),
      },
    } as never,
    journal: { scrub: createScrubber([SECRET]) },
    runnableAgents: () => at.agents,
    facts: { logFolder: '/nowhere' },
  });
}

async function escalate(code = 'STRANGE') {
  at.end('a', code, { version: 'v1' });
  await quiet();
  const { id, state } = at.incident();
  expect(state).toBe('escalated');
  return id;
}
const asked = (question: DiagnosisQuestion) => {
  if (!question.ask) throw new Error(question.why);
  return question;
};
const outcomeOf = async () => diagnosisIn((await findings().findings({ kind: 'diagnosis', limit: 1 }))[0]!).outcome;

describe('a diagnosis', () => {
  it('is asked for with evidence of the incident and without secrets, and shown in its timeline', async () => {
    const id = await escalate();
    const { evidence, remedies } = asked(await diagnoses().question(id));
    expect(evidence.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['seen', 'fault', 'diff plugins/a.ts', 'source plugins/a.ts']),
    );
    expect(JSON.stringify(evidence)).not.toContain(SECRET);
    expect(remedies).toContain('own-cell');
    const { outcome } = await diagnoses().answer(id, ANSWER, 'groq openai/gpt-oss-120b');
    expect(outcome).toContain('autonomy is suggest');
    await quiet();
    expect(at.incident().timeline.at(-1)!.text).toBe('diagnosis by a model (groq openai/gpt-oss-120b): a leak');
    expect(recorded).toMatchObject([{ kind: 'incident.diagnosed', agent: 'a', data: { cause: 'a leak', outcome } }]);
    expect(at.asked.filter((what) => what.startsWith('ownCell'))).toEqual([]);
  });

  it('is nobody’s to give unasked, twice, for an incident that has not escalated, or for none', async () => {
    const id = await escalate();
    await expect(diagnoses().answer(id, ANSWER, null)).rejects.toMatchObject({ code: 'DIAGNOSIS_UNASKED' });
    asked(await diagnoses().question(id));
    await diagnoses().answer(id, ANSWER, null);
    await expect(diagnoses().answer(id, ANSWER, null)).rejects.toMatchObject({ code: 'DIAGNOSIS_UNASKED' });
    at.end('b', 'SILENT');
    await quiet();
    await expect(diagnoses().question('inc-2')).rejects.toMatchObject({ code: 'DIAGNOSIS_NOT_DUE' });
    await expect(diagnoses().question('inc-77')).rejects.toMatchObject({ code: 'INCIDENT_UNKNOWN' });
  });

  it('that cannot be used changes nothing but a remark, whatever it asks for', async () => {
    autonomy = 'act';
    const id = await escalate();
    asked(await diagnoses().question(id));
    const before = [...at.asked];
    const lies = { ...ANSWER, remedy: 'delete' };
    await expect(diagnoses().answer(id, lies, null)).rejects.toMatchObject({ code: 'DIAGNOSIS_UNUSABLE' });
    await quiet();
    expect(at.asked).toEqual(before);
    expect(at.incident()).toMatchObject({ state: 'escalated' });
    expect(at.incident().timeline.at(-1)!.text).toContain('"delete" is none that a model may advise');
    asked(await diagnoses().question(id));
    await diagnoses().answer(id, ANSWER, null);
  });

  it('is that of its cause for further incidents, which ask nobody', async () => {
    const id = await escalate();
    asked(await diagnoses().question(id));
    await diagnoses().answer(id, ANSWER, 'm');
    at.settle('a', 'done');
    await at.clock.pass(MINUTE);
    const next = await escalate();
    expect(next).not.toBe(id);
    expect(await diagnoses().question(next)).toEqual({ ask: false, why: `${id} has the diagnosis of this cause` });
    await quiet();
    expect(at.incident(next).timeline.at(-1)!.text).toBe(`the diagnosis of ${id} is that of this cause: a leak`);
  });

  it('is asked for so often a day and no more, also over a restart', async () => {
    perDay = 1;
    const first = await escalate();
    asked(await diagnoses().question(first));
    asked(await diagnoses().question(first));
    const second = await escalate('ODD');
    expect(await diagnoses().question(second)).toMatchObject({ ask: false, why: expect.stringContaining('used up') });
  });
});

describe('an advised remedy', () => {
  beforeEach(() => {
    autonomy = 'act';
  });
  async function answered(more: object = {}) {
    const id = await escalate();
    asked(await diagnoses().question(id));
    return { id, ...(await diagnoses().answer(id, { ...ANSWER, ...more }, 'm')) };
  }

  it('is carried out by healing, logged as advised, and proven by the next job', async () => {
    expect((await answered()).outcome).toBe('own-cell was carried out');
    await quiet();
    expect(at.asked).toContain('ownCell a');
    expect(at.incident().remedies.at(-1)).toMatchObject({ kind: 'own-cell', by: 'diagnosis', held: null });
    expect(at.incident().remedies.at(-1)!.what).toContain('advised by a model (m)');
    at.settle('a', 'done');
    await quiet();
    expect(at.incident()).toMatchObject({ state: 'healed' });
    expect(at.incident().remedies.at(-1)).toMatchObject({ by: 'diagnosis', held: true });
    expect([...at.incidentStore.remedyStats.values()]).toContainEqual(
      expect.objectContaining({ kind: 'own-cell', tried: 1, held: 1 }),
    );
  });

  it('is carried out once for an incident, also when the host was killed between answer and act', async () => {
    const { id } = await answered();
    await quiet();
    const done = () => at.asked.filter((what) => what === 'ownCell a').length;
    expect(done()).toBe(1);
    const [finding] = await findings().findings({ kind: 'diagnosis', limit: 1 });
    await findings().putFinding({ ...finding!, record: { ...finding!.record, outcome: null } });
    await at.restart();
    expect(await diagnoses().question(id)).toMatchObject({ ask: false });
    expect(done()).toBe(1);
    expect(await outcomeOf()).toContain('was carried out for inc-1 before');
  });

  it('is carried out after all when the host was killed before the act', async () => {
    autonomy = 'suggest';
    const { id } = await answered();
    const [finding] = await findings().findings({ kind: 'diagnosis', limit: 1 });
    await findings().putFinding({ ...finding!, record: { ...finding!.record, outcome: null } });
    autonomy = 'act';
    await at.restart();
    await diagnoses().question(id);
    expect(at.asked).toContain('ownCell a');
    expect(await outcomeOf()).toBe('own-cell was carried out');
  });

  it('is not carried out by a model that hardly trusts it, nor when the incident is over, nor when it never held', async () => {
    expect((await answered({ confidence: 0.3 })).outcome).toContain('sure to 30 % only');
    at.settle('a', 'done');
    await at.clock.pass(MINUTE);
    at.end('a', 'ODD', { version: 'v1' });
    await quiet();
    const id = at.incident().id;
    asked(await diagnoses().question(id));
    at.settle('a', 'done');
    await quiet();
    expect((await diagnoses().answer(id, ANSWER, null)).outcome).toContain('has ended');
    await at.clock.pass(MINUTE);
    const hopeless = await escalate('QUEER');
    const { fingerprint } = at.incident(hopeless);
    for (let tried = 0; tried < 3; tried++) await at.incidentStore.recordRemedy(fingerprint, 'own-cell', false);
    asked(await diagnoses().question(hopeless));
    expect((await diagnoses().answer(hopeless, ANSWER, null)).outcome).toContain('never held');
    expect(at.asked.filter((what) => what.startsWith('ownCell'))).toEqual([]);
  });
});
