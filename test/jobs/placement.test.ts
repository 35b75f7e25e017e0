import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Agent } from '../../src/jobs/agent.ts';
import { isHeld, type PlacementFacts, planHold, planPlacement } from '../../src/jobs/placement.ts';
import { rightsOf } from '../../src/jobs/rights.ts';

const state = (fingerprint: string, more: Partial<Agent> = {}): Agent => ({
  name: 'a',
  about: '',
  version: { plugin: 'a', id: `v-${fingerprint}`, file: '', mapFile: '' },
  on: [],
  firstRun: false,
  settings: {},
  limits: { memoryBytes: 1, timeoutMs: 1, silenceMs: 1, graceMs: 1, attempts: 1, backoff: { first: 1, longest: 1 } },
  needs: { secrets: [], env: [], net: [], read: [], write: [], exec: [], modules: [], fleet: false, llm: false },
  workers: { min: 1, max: 4 },
  isolation: 'shared',
  fingerprint,
  ...more,
});

const maybe = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined });
const instant = fc.integer({ min: 0, max: 2_000_000_000_000 });
const anyWorkers = fc
  .tuple(fc.nat(5), fc.integer({ min: 1, max: 8 }))
  .map(([min, max]) => ({ min: Math.min(min, max), max }));
const fault = { code: 'SECRET_MISSING', message: 'TOKEN is not there' };
const isolation = fc.constantFrom('shared' as const, 'own' as const);

const anyFacts: fc.Arbitrary<PlacementFacts> = fc.record({
  agent: fc.record({ workers: anyWorkers, isolation }).map((more) => state('new', more)),
  serving: maybe(fc.constantFrom(state('new'), state('old'))),
  isApart: maybe(fc.boolean()),
  safeMode: maybe(fc.record({ since: instant, reason: fc.constant('safe mode: it ended three times') })),
  pause: maybe(fc.record({ since: instant, until: fc.option(instant) })),
  lacks: maybe(fc.record({ since: instant, fault: fc.constant(fault) })),
  good: maybe(fc.record({ agent: anyWorkers.map((workers) => state('old', { workers })), isReady: fc.boolean() })),
  quarantine: maybe(
    fc.record({
      since: instant,
      incident: fc.constantFrom('', 'inc-1'),
      probes: fc.nat(9),
      nextProbeAt: instant,
      allowance: fc.constantFrom(0, 1),
    }),
  ),
  pressure: maybe(
    fc.record({
      since: instant,
      growth: fc.constantFrom('free', 'held', 'shrink'),
      leastPriority: maybe(fc.constantFrom(0, -99)),
      seen: fc.constant('4 MB are free'),
    }),
  ),
});
/** Needs of which each is there or not. */
const anyNeeds: fc.Arbitrary<Agent['needs']> = fc.record({
  ...{ secrets: some('TOKEN'), env: some('TZ'), net: some('a.example'), read: some('/etc/hosts') },
  ...{ write: some('out'), exec: some('git'), modules: some('node:sqlite' as const), fleet: fc.boolean() },
  llm: fc.constantFrom(false, true, { calls: 5 }),
});
function some<T>(one: T): fc.Arbitrary<T[]> {
  return fc.constantFrom([], [one]);
}
const isBare = (needs: Agent['needs']) =>
  Object.values(needs).every((value) => value === false || (Array.isArray(value) && value.length === 0));

const always = (law: (facts: PlacementFacts) => void) =>
  fc.assert(
    fc.property(anyFacts, (facts) => void law(facts)),
    { numRuns: 1_000 },
  );

describe('a placement', () => {
  it('of an agent of which nothing else is known is what its files say', () => {
    const agent = state('new');
    expect(planPlacement({ agent })).toEqual({
      agent,
      version: agent.version,
      keepWarm: null,
      takesOverAtOnce: false,
      workers: { min: 1, target: 1, max: 4 },
      cell: 'shared',
      hold: null,
    });
  });

  it('never changes an agent: it is the one in force or the good one before it, as they were handed in', () => {
    always((facts) => {
      const before = structuredClone(facts);
      const { agent } = planPlacement(facts);
      expect([facts.agent, facts.good?.agent]).toContain(agent);
      expect(facts).toEqual(before);
      if (!facts.lacks) expect(agent).toBe(facts.agent);
    });
  });

  it('shares a cell only where the agent has nothing that another could lack; what its file says of isolation cannot widen that', () => {
    fc.assert(
      fc.property(anyNeeds, isolation, fc.boolean(), (needs, said, isApart) => {
        const { cell } = planPlacement({ agent: state('new', { needs, isolation: said }), isApart });
        expect(cell).toBe(isBare(needs) && said === 'shared' && !isApart ? 'shared' : 'own');
      }),
    );
  });

  it('names every need that an agent has among its rights, and no other', () => {
    fc.assert(
      fc.property(anyNeeds, (needs) => {
        const has = Object.entries(needs).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value));
        expect(rightsOf({ needs }).toSorted()).toEqual(has.map(([name]) => name).toSorted());
      }),
    );
  });

  it('has worker counts in order, and never more than the agent may have', () => {
    always((facts) => {
      const { workers, agent } = planPlacement(facts);
      expect(workers.min).toBeGreaterThanOrEqual(0);
      expect(workers.target).toBeGreaterThanOrEqual(workers.min);
      expect(workers.max).toBeGreaterThanOrEqual(workers.target);
      expect(workers.max).toBeLessThanOrEqual(agent.workers.max);
    });
  });

  it('has workers unless safe mode or missing set-up holds it; under pressure and in quarantine none is kept warm', () => {
    always((facts) => {
      const { agent, workers, hold } = planPlacement(facts);
      const isClosed = hold?.by === 'safe-mode' || hold?.by === 'setup';
      expect(workers.max === 0).toBe(isClosed);
      const growth = facts.pressure?.growth;
      if (growth === 'held') expect(workers.max).toBeLessThanOrEqual(Math.max(1, agent.workers.min));
      if (growth === 'shrink') expect(workers.max).toBeLessThanOrEqual(1);
      if (growth === 'shrink' || facts.quarantine) expect(workers.target).toBe(0);
    });
  });

  it('keeps a worker of the good version warm for as long as there is something to go back to', () => {
    always((facts) => expect(planPlacement(facts).keepWarm).toBe(facts.good ? 'old' : null));
  });

  it('names the version that takes new jobs, which is the one before until the new one is ready', () => {
    always((facts) => {
      const { version, agent } = planPlacement(facts);
      expect(version).toBe((facts.serving ?? agent).version);
    });
  });

  it('is in a cell of its own where the files ask for it or the agent was set apart, and nowhere else', () => {
    always((facts) => {
      const { cell, agent } = planPlacement(facts);
      expect(cell === 'own').toBe(agent.isolation === 'own' || facts.isApart === true);
    });
  });

  it('lets the good version run while the new one lacks a secret that the good one has', () => {
    const good = { agent: state('old'), isReady: true };
    const facts = { agent: state('new'), good, lacks: { since: 5, fault } };
    expect(planPlacement(facts)).toMatchObject({ agent: { fingerprint: 'old' }, hold: null });
    const both = planPlacement({ ...facts, good: { ...good, isReady: false } });
    expect(both).toMatchObject({ workers: { max: 0 }, hold: { by: 'setup', since: 5, reason: fault.message } });
  });
});

describe('a hold', () => {
  it('is the same for jobs and schedule, which ask by name, as for workers', () => {
    always((facts) => expect(planPlacement(facts).hold).toEqual(planHold({ ...facts, name: 'a' })));
  });

  it('is there exactly when a fact holds the agent, with a reason and a way out', () => {
    always((facts) => {
      const { hold } = planPlacement(facts);
      const isOutOfSetup = facts.lacks !== undefined && !facts.good?.isReady;
      const holds = [facts.safeMode, facts.pause, facts.quarantine, facts.pressure?.leastPriority];
      expect(hold !== null).toBe(isOutOfSetup || holds.some((fact) => fact !== undefined));
      if (hold) expect([hold.reason, hold.next].every((text) => text.length > 0)).toBe(true);
    });
  });

  it('by safe mode, a person or set-up lets nothing start, a quarantine one probe, pressure all but low priorities', () => {
    always((facts) => {
      const { hold } = planPlacement(facts);
      if (!hold) return;
      expect(hold.leastPriority).toBe(facts.pressure?.leastPriority);
      expect(isHeld(hold)).toBe(hold.by !== 'pressure');
      if (hold.by === 'pressure') expect(hold.allowance).toBe(Number.POSITIVE_INFINITY);
      else expect(hold.allowance).toBe(hold.by === 'quarantine' ? facts.quarantine!.allowance : 0);
    });
  });

  it('of several is the one that has to end first', () => {
    const quarantine = { since: 4, incident: 'inc-1', probes: 2, nextProbeAt: 9, allowance: 0 };
    const facts = {
      name: 'a',
      pressure: { since: 5, growth: 'shrink' as const, leastPriority: 0, seen: '4 MB are free' },
      quarantine,
      lacks: { since: 3, fault },
      pause: { since: 2, until: null },
      safeMode: { since: 1, reason: 'safe mode: it ended' },
    };
    const order: unknown[] = [];
    for (const fact of ['safeMode', 'pause', 'lacks', 'quarantine', 'pressure'] as const) {
      order.push(planHold(facts)?.by);
      delete (facts as Partial<typeof facts>)[fact];
    }
    expect(order).toEqual(['safe-mode', 'person', 'setup', 'quarantine', 'pressure']);
    expect(planHold(facts)).toBeNull();
  });

  it('by a quarantine ends by itself at its next probe, and says which incident and how many probes failed', () => {
    const quarantine = { since: 4, incident: 'inc-1', probes: 2, nextProbeAt: 9, allowance: 0 };
    expect(planHold({ name: 'a', quarantine })).toEqual({
      by: 'quarantine',
      since: 4,
      until: 9,
      reason: 'quarantined: inc-1',
      next: 'daruma resume a',
      allowance: 0,
      quarantine: { incident: 'inc-1', probes: 2 },
    });
    expect(planHold({ name: 'a', quarantine: { ...quarantine, allowance: 1 } })).toMatchObject({ until: null });
  });

  it('a critical agent keeps a worker warm, unless it is held so that none may be there', () => {
    const vital = state('new', { class: 'critical', workers: { min: 0, max: 4 } });
    const pressed = { since: 1, growth: 'held' as const, seen: 'little is free' };
    expect(planPlacement({ agent: vital }).workers).toEqual({ min: 1, target: 1, max: 4 });
    expect(planPlacement({ agent: vital, pressure: pressed }).workers).toEqual({ min: 1, target: 1, max: 1 });
    expect(planPlacement({ agent: vital, safeMode: { since: 1, reason: '' } }).workers.max).toBe(0);
    expect(planPlacement({ agent: { ...vital, always: true } }).workers.min).toBe(0);
  });
});
