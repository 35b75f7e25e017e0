import { describe, expect, it } from 'vitest';
import { KNOWN_FAULTS, wrongInAnswer } from '../../src/drills/diagnosis-faults.ts';
import type { CheckKind, RungState } from '../../src/gateway/models/ports.ts';
import { createModelDrills, drillWords } from '../../src/host/models/model-drills.ts';
import { faultWords } from '../../src/host/models/proofs.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { FindingStore } from '../../src/telemetry/ports.ts';
import { Clock, quiet, T0 } from '../clock.ts';
import { memoryFindings } from '../store/memory/records.ts';

const HOUR = 3_600_000;
const rung = (name: string, state: RungState['state'] = 'ready'): RungState => ({
  ...{ name, model: null, state, until: null, provenAt: null, why: state === 'off' ? 'KEY is not set' : null },
});

/** A host at T0, a noon, with a drill at 04:10. */
function host({
  llm = true as boolean,
  calls = memoryFindings().calls,
  clock = new Clock(),
  diagnosis = null as string | null,
  on = [] as string[],
} = {}) {
  const asked: string[] = [];
  const broken = new Map<string, string>();
  const recorded: string[] = [];
  /** The diagnosis drills that were begun: when, what ends each, and whether the host has ended it. */
  const begun: { at: number; ended: (why: string | null) => void; isCut: boolean }[] = [];
  const warned: string[] = [];
  const store = {
    putFinding: async (finding: never) => void (calls.putFinding as (one: never) => void)(finding),
    findings: async (filter: never) => (calls.findings as (one: never) => never)(filter),
  } as never;
  const drills = createModelDrills({
    ...{ time: clock, log: { ...silentLog, warn: (line) => void warned.push(line) }, store },
    facts: { folder: '/nowhere' },
    openDiagnosis(ended) {
      const drill = { at: clock.now(), ended, isCut: false };
      begun.push(drill);
      return () => {
        drill.isCut = true;
      };
    },
    events: { record: (_, { message }) => void recorded.push(message) },
    settings: {
      timezone: 'UTC',
      models: { enabled: true, chain: [], drills: { fallback: diagnosis === null ? '10 4 * * *' : null, diagnosis } },
    } as never,
    models: {
      chain: () => [rung('groq'), rung('cerebras', 'off'), rung('ollama')],
      async check(name: string, kind: CheckKind) {
        asked.push(`${name} ${kind}`);
        const why = broken.get(`${name} ${kind}`) ?? null;
        return { ok: why === null, tookMs: 5, usage: null, model: 'm', why };
      },
    },
    runnableAgents: () => new Map([['a', { name: 'a', on, needs: { llm } as never }]]),
  });
  return { drills, clock, asked, broken, recorded, calls, store, begun, warned };
}

describe('the fallback drill', () => {
  it('asks each rung with a key once plain, once with a tool, once for JSON, and keeps the proof over a restart', async () => {
    const one = host();
    one.broken.set('ollama tool', 'no call of the tool');
    expect(await one.drills.fallback()).toMatchObject([
      { name: 'models/groq', ok: true, repairMs: 15 },
      { name: 'models/cerebras', ok: true, skipped: 'KEY is not set' },
      { name: 'models/ollama', ok: false, repairMs: null, lost: 1, seen: 'tool: no call of the tool' },
    ]);
    expect(one.asked).toEqual([
      ...['groq plain', 'groq tool', 'groq json'],
      ...['ollama plain', 'ollama tool', 'ollama json'],
    ]);
    const words =
      'chain proven 1 of 2; ollama is only a hope: tool: no call of the tool; cerebras is off: KEY is not set';
    expect(one.recorded).toEqual([words]);
    expect(await drillWords(one.store)).toMatchObject([{ name: 'models', words, right: 1, of: 2 }]);
    const next = host({ calls: one.calls });
    await next.drills.start();
    expect([next.drills.provenAt('groq'), next.drills.provenAt('ollama')]).toEqual([T0, null]);
    await next.drills.stop();
  });

  it('asks a rung that does not answer plain words nothing more', async () => {
    const { drills, asked, broken } = host();
    broken.set('ollama plain', 'connect ECONNREFUSED');
    await drills.fallback();
    expect(asked.filter((what) => what.startsWith('ollama'))).toEqual(['ollama plain']);
  });

  it('is done once for two who ask at once', async () => {
    const { drills, asked } = host();
    await Promise.all([drills.fallback(), drills.fallback()]);
    expect(asked).toHaveLength(6);
  });

  it('is done at its time of each day while an agent may ask models, and made good where the host was down', async () => {
    const one = host();
    await one.drills.start();
    await one.clock.pass(16 * HOUR);
    expect(one.recorded).toEqual([]);
    await one.clock.pass(HOUR);
    expect(one.recorded).toEqual(['chain proven 2 of 2; cerebras is off: KEY is not set']);
    await one.clock.pass(24 * HOUR);
    expect(one.recorded).toHaveLength(2);
    await one.drills.stop();
    one.clock.wall += 30 * HOUR;
    const later = host({ calls: one.calls, clock: one.clock });
    await later.drills.start();
    await later.clock.pass(HOUR);
    expect(later.recorded).toHaveLength(1);
    await later.drills.stop();
  });

  it('is never done by itself where no agent may ask models', async () => {
    const { drills, clock, asked } = host({ llm: false });
    await drills.start();
    await clock.pass(48 * HOUR);
    expect(asked).toEqual([]);
    await drills.stop();
  });

  it('tells when no rung was proven for two days, and not of one that is only a hope', async () => {
    const { drills, clock, broken } = host();
    await drills.start();
    await drills.fallback();
    broken.set('ollama plain', 'down');
    await clock.pass(72 * HOUR);
    expect(drills.warnings()).toEqual([]);
    broken.set('groq json', '503');
    await clock.pass(38 * HOUR);
    expect(drills.warnings()).toEqual([]);
    await clock.pass(26 * HOUR);
    expect(drills.warnings()).toMatchObject([
      { code: 'MODELS_UNPROVEN', message: expect.stringContaining('groq is only a hope: json: 503') },
    ]);
    broken.clear();
    await drills.fallback();
    expect(drills.warnings()).toEqual([]);
    await drills.stop();
    await quiet();
  });
});

describe('the diagnosis drill', () => {
  const weekly = { diagnosis: '40 4 * * SUN', on: ['incident.escalated'] };
  const row = (name: string, ok: boolean) => ({ name: `diagnosis/${name}`, ok, seen: null });
  const timesOf = (begun: { at: number }[]) => begun.map(({ at }) => new Date(at).toISOString().slice(0, 16));
  /** Lets a quarter of an hour pass that ends at this time, with nothing but one late turn before it. */
  async function pass(clock: Clock, until: string) {
    clock.wall = Date.parse(until) - HOUR / 4;
    await clock.pass(HOUR / 4);
  }

  it('begins on Sundays at its time, once a week, also after one that failed, and is made good where the host was down', async () => {
    const one = host(weekly);
    await one.drills.start();
    await pass(one.clock, '2026-11-29T04:39:00Z');
    expect(one.begun).toEqual([]);
    await one.clock.pass(2 * 60_000);
    expect(timesOf(one.begun)).toEqual(['2026-11-29T04:40']);
    await one.drills.keepDiagnosis([row('leak', true), row('hang', false)], 61_000);
    one.begun[0]!.ended(null);
    await pass(one.clock, '2026-12-06T04:39:00Z');
    expect(one.begun).toHaveLength(1);
    await one.clock.pass(2 * 60_000);
    one.begun[1]!.ended('it ended with 2');
    expect(one.warned).toEqual(['the diagnosis drill failed: it ended with 2']);
    await pass(one.clock, '2026-12-13T05:00:00Z');
    expect(timesOf(one.begun)).toEqual(['2026-11-29T04:40', '2026-12-06T04:40', '2026-12-13T04:45']);
    await one.drills.stop();
    // The store has the score of the first week alone: what two weeks lack is made good by one drill.
    const later = host({ ...weekly, calls: one.calls, clock: one.clock });
    await later.drills.start();
    await later.clock.pass(HOUR / 2);
    expect(later.begun).toHaveLength(1);
    await later.drills.stop();
  });

  it('is cut off after twenty minutes, and with its host; no second one begins beside it', async () => {
    const { drills, clock, begun } = host({ ...weekly, diagnosis: '* * * * *' });
    await drills.start();
    await clock.pass(HOUR / 3);
    expect(begun).toMatchObject([{ isCut: false }]);
    await clock.pass(HOUR / 6);
    expect(begun).toMatchObject([{ isCut: true }]);
    begun[0]!.ended('it ended with a signal');
    await clock.pass(HOUR / 30);
    expect(begun).toMatchObject([{ isCut: true }, { isCut: false }]);
    await drills.stop();
    expect(begun[1]!.isCut).toBe(true);
  });

  it('never begins by itself without an agent that listens to incidents that escalate and may ask models', async () => {
    for (const lacks of [{ on: [] }, { llm: false }]) {
      const { drills, clock, begun } = host({ ...weekly, ...lacks });
      await drills.start();
      for (const day of ['2026-11-29', '2026-12-06']) await pass(clock, `${day}T05:00:00Z`);
      expect(begun).toEqual([]);
      await drills.stop();
    }
  });

  it('is kept with its score', async () => {
    const { drills, store } = host();
    await drills.keepDiagnosis([row('leak', true), row('hang', false)], null);
    expect(await drillWords(store)).toMatchObject([
      { name: 'diagnosis', words: 'diagnosis drill: 1 of 2 right; not hang', right: 1, of: 2 },
    ]);
  });

  it('of all faults that heal is kept with its score, as a proof', async () => {
    const { drills, store } = host();
    await drills.keepFaults([row('leak', true), row('hang', false)], 61_000);
    const [kept] = await (store as Pick<FindingStore, 'findings'>).findings({ kind: 'drill-faults', limit: 9 });
    expect(kept!.record).toMatchObject({ tookMs: 61_000 });
    expect(faultWords(kept!.record as never).words).toBe('1 of 2 faults healed as promised; not diagnosis/hang');
  });

  const leak = KNOWN_FAULTS.find(({ name }) => name === 'leak')!;
  const evidence = [
    { id: 'E1', what: 'heap profile' },
    { id: 'E2', what: 'remedy' },
  ];
  const answer = { cause: 'the map only grows', advice: 'bound it', evidenceIds: ['E1'], remedy: 'recycle' };
  it.each<[string, Partial<typeof answer>, string | null]>([
    ['right', {}, null],
    ['right without a remedy', { remedy: null as never }, null],
    ['wrong of another cause', { cause: 'the server is down' }, 'another cause'],
    ['wrong on evidence that shows nothing', { evidenceIds: ['E2'] }, 'shows the cause'],
    ['wrong on evidence that was not given', { evidenceIds: ['E1', 'E9'] }, 'not given'],
    ['wrong with a remedy that does no good', { remedy: 'plan-again' }, 'does no good'],
  ])('scores an answer by rules: %s', (_, more, wrong) => {
    const found = wrongInAnswer(leak, evidence, { ...answer, ...more });
    if (wrong === null) expect(found).toBeNull();
    else expect(found).toContain(wrong);
  });
});
