import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { healthPage } from '../../scripts/health.ts';
import { decideHealth, type HealthFacts } from '../../src/host/health/decide.ts';
import { HEALTH_CODES, HEALTH_REASONS, type HealthCode } from '../../src/operations/health-reasons.ts';

const HEALTHY: HealthFacts = {
  loops: [
    { name: 'schedule', agoMs: 45_000 },
    { name: 'retention', agoMs: 3_600_000 },
    { name: 'some other', agoMs: 600_000 },
  ],
  storeRefusal: undefined,
  cellFault: undefined,
  stored: { agents: [], unplanned: [], scheduled: 0, asides: 0 },
  pings: [],
  memoryShort: undefined,
  quotaShort: undefined,
  diskShort: undefined,
  escalated: [],
  droppedLines: 0,
  down: [],
  warnings: [],
};
const fault = { code: 'X', message: 'why' };
const agent = (state: string, more = {}) =>
  ({ name: 'a', plugin: 'a', state, why: 'why', isRejected: false, isMuted: false, ...more }) as never;
const stored = (more: Partial<NonNullable<HealthFacts['stored']>>) => ({
  stored: { agents: [], unplanned: [], scheduled: 0, asides: 0, ...more },
});

/** For each code, facts that differ from those of a healthy host in one thing, and whom the reason names. */
const SICK: Record<Exclude<HealthCode, 'HOST_DOWN' | 'HOST_SILENT'>, [Partial<HealthFacts>, string]> = {
  LOOP_STILL: [{ loops: [{ name: 'schedule', agoMs: 45_001 }] }, 'schedule'],
  STORE_SILENT: [{ stored: undefined }, 'store'],
  STORE_REFUSES: [{ storeRefusal: fault }, 'store'],
  CELLS_FAIL: [{ cellFault: fault }, 'cells'],
  NOT_PLANNED: [stored({ scheduled: 1, unplanned: [{ agent: 'a', fault }] }), 'schedule'],
  SAFE_MODE: [{ warnings: [{ code: 'SAFE_MODE', message: 'why' }] }, 'host'],
  AGENT_LATE: [stored({ agents: [agent('late')] }), 'a'],
  AGENT_QUARANTINED: [stored({ agents: [agent('quarantined')] }), 'a'],
  AGENT_UNSCHEDULED: [stored({ agents: [agent('unscheduled')] }), 'a'],
  AGENT_FAILED: [stored({ agents: [agent('failed')] }), 'a'],
  AGENT_NEEDS_SETUP: [stored({ agents: [agent('needs setup')] }), 'a'],
  AGENT_REJECTED: [stored({ agents: [agent('off', { isRejected: true })] }), 'a'],
  PING_LATE: [{ pings: [{ name: 'nas', silentMs: 900_001, withinMs: 900_000, isLate: true }] }, 'nas'],
  STORE_ROWS: [stored({ asides: 2 }), 'store'],
  DISK_SHORT: [{ diskShort: 'why' }, 'disk'],
  MEMORY_SHORT: [{ memoryShort: 'why' }, 'memory'],
  CPU_THROTTLED: [{ quotaShort: 'why' }, 'cpu'],
  LOG_DROPPED: [{ droppedLines: 1 }, 'log'],
  BACKUP_FAILED: [stored({ agents: [agent('failed', { plugin: 'backup' })] }), 'a'],
  INCIDENT_ESCALATED: [{ escalated: [{ id: 'inc-1', agent: null, seen: 'why' }] }, 'host'],
  BREAKER_OPEN: [{ down: [{ origin: 'https://a', why: 'why' }] }, 'https://a'],
  HOST_WARNING: [{ warnings: [{ code: 'GUARDIAN_GONE', message: 'why' }] }, 'host'],
};

/** Any number of things that are wrong at once, in any order. */
const sick = fc.subarray(Object.keys(SICK) as (keyof typeof SICK)[]).map((codes) => {
  const facts = { ...HEALTHY };
  for (const code of codes) {
    for (const [name, value] of Object.entries(SICK[code][0])) {
      const before = facts[name as keyof HealthFacts];
      const both = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : merged(before, value);
      Object.assign(facts, { [name]: both });
    }
  }
  if (codes.includes('STORE_SILENT')) facts.stored = undefined;
  return { codes, facts };
});
function merged(before: unknown, value: unknown): unknown {
  if (typeof before !== 'object' || typeof value !== 'object' || before === null || value === null) return value;
  const [one, other] = [before as Record<string, unknown>, value as Record<string, unknown>];
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(
    names.map((name) => {
      const [a, b] = [one[name], other[name]];
      if (Array.isArray(a) && Array.isArray(b)) return [name, [...a, ...b]];
      return [name, typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : (b ?? a)];
    }),
  );
}

describe('health', () => {
  test('is ok when nothing is wrong', () => {
    expect(decideHealth(HEALTHY)).toEqual({ state: 'ok', live: true, ready: true, reasons: [] });
  });

  test.each(Object.entries(SICK))(
    'has the reason %s, with a name, and turns the probe of its row red',
    (code, [facts, who]) => {
      const { state, live, ready, reasons } = decideHealth({ ...HEALTHY, ...facts });
      expect(reasons).toEqual([{ code, who, text: expect.stringMatching(/\S/) }]);
      const { probe } = HEALTH_REASONS[code as HealthCode];
      expect({ state, live, ready }).toEqual({
        state: probe === 'healthz' ? 'degraded' : 'down',
        live: probe !== 'livez',
        ready: probe === 'healthz',
      });
    },
  );

  test('names every thing that is wrong, the worst first, and is as bad as the worst of them', () => {
    fc.assert(
      fc.property(sick, ({ codes, facts }) => {
        const { state, live, ready, reasons } = decideHealth(facts);
        // A store that gives no answer says nothing about agents.
        const seen = codes.filter((code) => facts.stored || !('stored' in SICK[code][0]) || code === 'STORE_SILENT');
        expect(new Set(reasons.map((one) => one.code))).toEqual(new Set(seen));
        const ranks = reasons.map((one) => HEALTH_CODES.indexOf(one.code));
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
        const probes = new Set(reasons.map((one) => HEALTH_REASONS[one.code].probe));
        expect(live).toBe(!probes.has('livez'));
        expect(ready).toBe(live && !probes.has('readyz'));
        expect(state).toBe(!ready ? 'down' : reasons.length > 0 ? 'degraded' : 'ok');
      }),
      { numRuns: 500 },
    );
  });

  test('says the same, whatever order the facts come in', () => {
    fc.assert(
      fc.property(sick, ({ facts }) => {
        const turned = { ...facts };
        for (const name of ['loops', 'pings', 'escalated', 'down', 'warnings'] as const) {
          Object.assign(turned, { [name]: facts[name].toReversed() });
        }
        if (facts.stored) turned.stored = { ...facts.stored, agents: facts.stored.agents.toReversed() };
        expect(decideHealth(turned)).toEqual(decideHealth(facts));
      }),
      { numRuns: 300 },
    );
  });

  test('one agent that is not planned is a reason of its own, and the others go on', () => {
    const facts = stored({ scheduled: 2, unplanned: [{ agent: 'a', fault }], agents: [agent('unscheduled')] });
    expect(decideHealth({ ...HEALTHY, ...facts })).toMatchObject({
      ready: true,
      reasons: [{ code: 'AGENT_UNSCHEDULED' }],
    });
  });

  test('states of which nobody has to know are no reason', () => {
    const agents = ['new', 'ok', 'running', 'retrying', 'healing', 'paused', 'off', 'done'].map((state) =>
      agent(state),
    );
    expect(decideHealth({ ...HEALTHY, ...stored({ agents }) }).reasons).toEqual([]);
  });

  test('what a muted incident tells of an agent is no reason; its dead letter, its setup and its file still are', () => {
    const states = ['late', 'quarantined', 'unscheduled', 'failed', 'needs setup'];
    const agents = [
      ...states.map((state) => agent(state, { isMuted: true })),
      agent('late', { isMuted: true, isRejected: true }),
    ];
    expect(decideHealth({ ...HEALTHY, ...stored({ agents }) }).reasons.map(({ code }) => code)).toEqual([
      'AGENT_FAILED',
      'AGENT_NEEDS_SETUP',
      'AGENT_REJECTED',
    ]);
  });

  test('the rows go from the worst probe to the least', () => {
    const order = ['livez', 'readyz', 'healthz'];
    const ranks = Object.values(HEALTH_REASONS).map(({ probe }) => order.indexOf(probe));
    expect(ranks).toEqual([...ranks].sort());
  });

  test('docs/health.md is printed from the rows', () => {
    expect(readFileSync(new URL('../../docs/health.md', import.meta.url), 'utf8')).toBe(healthPage());
  });
});
