import { describe, expect, it } from 'vitest';
import { ADVISABLE, checkDiagnosis, type Diagnosis, planAsk } from '../../src/healing/diagnosis.ts';
import { evidencePieces, givenPieces } from '../../src/healing/evidence-pieces.ts';
import type { Incident } from '../../src/healing/ports.ts';
import { HOUR, T0 } from './world.ts';

const DAY = 24 * HOUR;
const PIECES = ['E1', 'E2', 'E3'].map((id) => ({ id, what: 'log', text: 'a line' }));
const ANSWER = {
  cause: 'the cache only grows',
  evidenceIds: ['E2'],
  advice: 'bound it',
  remedy: 'recycle',
  confidence: 0.8,
};

describe('the answer of a model', () => {
  it('is kept with its texts on one line, without what steers a terminal, and each id once', () => {
    const said = { ...ANSWER, cause: 'it\u001b[31m grows\n\u202eand grows', evidenceIds: ['E2', 'E1', 'E2'] };
    expect(checkDiagnosis(said, PIECES)).toEqual({
      ...ANSWER,
      cause: 'it [31m grows and grows',
      evidenceIds: ['E2', 'E1'],
    });
    expect(checkDiagnosis({ ...ANSWER, remedy: null }, PIECES)).toMatchObject({ remedy: null });
  });

  it('is cut where it is long', () => {
    const { cause, advice } = checkDiagnosis(
      { ...ANSWER, cause: 'x'.repeat(5_000), advice: 'y'.repeat(5_000) },
      PIECES,
    ) as typeof ANSWER;
    expect([cause.length, advice.length]).toEqual([600, 1_200]);
  });

  it.each<[string, unknown, string]>([
    ['that is nonsense', 'delete everything', 'no object'],
    ['that is a list', [ANSWER], 'cause'],
    ['without a cause', { ...ANSWER, cause: undefined }, 'cause'],
    ['with a cause of nothing but controls', { ...ANSWER, cause: '\u0000\n' }, 'cause'],
    ['of a megabyte', { ...ANSWER, advice: 'x'.repeat(1_000_000) }, '1000000 characters'],
    ['on no evidence', { ...ANSWER, evidenceIds: [] }, 'evidenceIds'],
    ['on evidence that nobody gave', { ...ANSWER, evidenceIds: ['E1', 'E99'] }, 'E99'],
    ['on evidence by the name of a method', { ...ANSWER, evidenceIds: ['__proto__'] }, '__proto__'],
    ['with a remedy that is none', { ...ANSWER, remedy: 'delete' }, '"delete" is none that a model may advise'],
    ['with a remedy of the host', { ...ANSWER, remedy: 'clean-up' }, '"clean-up"'],
    ['with a remedy for another agent', { ...ANSWER, remedy: { kind: 'recycle', agent: 'b' } }, 'remedy'],
    ['that names an agent of its own', { ...ANSWER, agent: 'b' }, '"agent"'],
    ['that is surer than sure', { ...ANSWER, confidence: 7 }, 'confidence'],
    ['that is sure to no number', { ...ANSWER, confidence: Number.NaN }, 'confidence'],
  ])('%s is of no use, with the reason', (_, said, problem) => {
    expect(checkDiagnosis(said, PIECES)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('may advise nothing that reaches beyond the agent', () => {
    expect([...ADVISABLE].sort()).toEqual(['catch-up', 'fresh-worker', 'own-cell', 'plan-again', 'recycle']);
  });
});

describe('a question', () => {
  const known = (more: Partial<Diagnosis> = {}): Diagnosis => ({
    ...{ incident: 'inc-1', agent: 'a', asks: [{ incident: 'inc-1', at: T0 }], pieces: PIECES },
    ...{ answer: { ...ANSWER, remedy: null, at: T0, model: 'm' }, problem: null, outcome: null },
    ...more,
  });
  const plan = (more: Partial<Parameters<typeof planAsk>[0]>) =>
    planAsk({ incident: 'inc-9', now: T0 + HOUR, known: undefined, asked: [], perDay: 2, ...more });

  it('is asked once for a cause within seven days', () => {
    expect(plan({ known: known(), now: T0 + 7 * DAY - 1 }).is).toBe('kept');
    expect(plan({ known: known(), now: T0 + 7 * DAY }).is).toBe('ask');
    expect(plan({ known: known({ answer: null }) }).is).toBe('ask');
  });

  it('counts once for its incident, however often that is tried, and is refused beyond the number of a day', () => {
    const asked = [
      { incident: 'inc-9', at: T0 },
      { incident: 'inc-8', at: T0 },
    ];
    expect(plan({ asked, known: known({ answer: null, asks: asked }) })).toEqual({
      is: 'ask',
      asks: [
        { incident: 'inc-8', at: T0 },
        { incident: 'inc-9', at: T0 + HOUR },
      ],
    });
    const more = [...asked, { incident: 'inc-7', at: T0 }];
    expect(plan({ asked: more }).is).toBe('spent');
    expect(plan({ asked: more, now: T0 + DAY }).is).toBe('ask');
    expect(plan({ perDay: 0 }).is).toBe('spent');
  });
});

describe('evidence', () => {
  const incident = (more: Partial<Incident> = {}): Incident => ({
    ...{ id: 'inc-3', agent: 'a', verdict: 'over-limit', state: 'escalated', openedAt: T0, endedAt: null },
    ...{ fingerprint: 'f', seen: 'it held 70 MB', version: 'v2', jobs: ['job-1'], repeats: 3, note: null },
    remedies: [{ kind: 'kill', by: 'workers', at: T0, what: 'w1 was killed', held: false }],
    timeline: [{ at: T0, what: 'escalated', text: 'its remedies did not hold' }],
    evidence: {
      ...{ at: T0, tookMs: 3, thread: 'spins in JavaScript', lastBeat: 'page 3' },
      heap: [{ name: 'keep', file: 'plugins/a.ts', line: 4, bytes: 60_000_000 }],
      fault: { code: 'OVER_LIMIT', message: 'held 70 MB', file: 'plugins/a.ts', line: 4 },
    },
    ...more,
  });
  const facts = (more: object = {}) => ({
    incident: incident(),
    records: [{ fingerprint: 'f', kind: 'kill' as const, tried: 4, held: 1 }],
    before: [incident({ id: 'inc-1' })],
    agent: undefined,
    lines: [{ at: '2026-11-24T12:00:00.000Z', level: 'info', message: 'fetched' }],
    diffs: [{ path: 'plugins/a.ts', text: '-a\n+b' }],
    sources: [{ path: 'plugins/a.ts', text: 'const cache = new Map();\nconst key = "sk-abcdefghijklmnopqrstuvwx";' }],
    ...more,
  });

  it('has each part as a piece with an id, most telling first, and no key of anybody', () => {
    const pieces = evidencePieces(facts(), 20_000);
    expect(pieces.map(({ id, what }) => `${id} ${what}`)).toEqual([
      'E1 seen',
      'E2 fault',
      'E3 diff plugins/a.ts',
      'E4 thread',
      'E5 heap profile',
      'E6 last beat',
      'E7 log',
      'E8 remedy',
      'E9 ledger of remedies',
      'E10 earlier incident',
      'E11 source plugins/a.ts',
    ]);
    expect(pieces[0]!.text).toContain('escalated because its remedies did not hold');
    expect(pieces.at(-1)!.text).toBe('1 const cache = new Map();\n2 const key = "[secret]";');
  });

  it('fits the room of the smallest model: source code is cut first', () => {
    for (const most of [500, 2_000, 4_000]) {
      const lines = Array.from({ length: 60 }, () => ({ at: 't', level: 'info', message: 'x'.repeat(5_000) }));
      const pieces = evidencePieces(facts({ lines, sources: [{ path: 'p', text: 'y\n'.repeat(50_000) }] }), most);
      expect(pieces.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(most);
      expect(pieces[0]!.what).toBe('seen');
    }
  });

  it('is kept with a diagnosis without source code', () => {
    const given = givenPieces(evidencePieces(facts(), 20_000));
    expect(given.filter(({ text }) => text === null).map(({ what }) => what)).toEqual([
      'diff plugins/a.ts',
      'source plugins/a.ts',
    ]);
  });
});
