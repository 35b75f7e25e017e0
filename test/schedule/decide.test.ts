import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Asking,
  decideSlot,
  decideSlots,
  jitterOf,
  LATE_AFTER_MS,
  MOST_AT_ONCE,
  type SlotFacts,
} from '../../src/schedule/decide.ts';
import { agentWith } from './world.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-11-20T10:00:00Z');

const anyAsking: fc.Arbitrary<Asking> = fc
  .record({
    catchUp: fc.constantFrom('skip', 'once', 'all'),
    overlap: fc.constantFrom('skip', 'queue', 'replace'),
    jitterMs: fc.constantFrom(0, 5_000),
    stale: fc.constantFrom(undefined, 30_000, 10 * MINUTE),
  })
  .map(({ stale, ...spec }) => {
    const agent = agentWith('a', '* * * * *', { ...spec, ...(stale === undefined ? {} : { staleAfterMs: stale }) });
    return { agent: { ...agent, schedule: agent.schedule! } };
  });

/** Slots that are due at the same look, one period apart. */
const anyDues: fc.Arbitrary<SlotFacts[]> = fc
  .record({
    count: fc.integer({ min: 1, max: 60 }),
    period: fc.constantFrom(1_000, MINUTE, 60 * MINUTE),
    lag: fc.nat(90_000),
    /** Slots that were due before it are held up. */
    heldBefore: fc.constantFrom(undefined, Infinity, NOW - 5 * MINUTE),
  })
  .map(({ count, period, lag, heldBefore = 0 }) =>
    Array.from({ length: count }, (_, i) => {
      const due = NOW - lag - (count - 1 - i) * period;
      const heldUp = due < heldBefore ? 'paused by hand' : undefined;
      return { due, later: Math.min(count - 1 - i, MOST_AT_ONCE), heldUp };
    }),
  );

it('every slot gets exactly one end; a job only where it ran or was caught up; never more than ten at once', () => {
  fc.assert(
    fc.property(anyAsking, anyDues, fc.nat(3), (asking, dues, unfinished) => {
      const builds = dues.map((slot) => decideSlot(asking, slot, NOW));
      const jobs = Array.from({ length: unfinished }, (_, i) => ({ id: `j${i}`, slot: NOW - (i + 100) * MINUTE }));
      const { decisions, cancel } = decideSlots(asking, builds, jobs, NOW);
      expect(decisions.map(({ due }) => due)).toEqual(dues.map(({ due }) => due));
      for (const { state, job, reason } of decisions) {
        expect(job !== undefined).toBe(state === 'ran' || state === 'caught-up');
        if (state !== 'ran') expect(reason).toBeTruthy();
        if (job?.staleAt !== undefined) expect(job.staleAt).toBeGreaterThan(NOW);
      }
      const taken = decisions.filter(({ job }) => job);
      const { catchUp, overlap } = asking.agent.schedule;
      const isAbsence = builds.some(({ is }) => is === 'caught-up');
      expect(taken.length).toBeLessThanOrEqual(MOST_AT_ONCE);
      if (overlap !== 'queue' && !(catchUp === 'all' && isAbsence)) expect(taken.length).toBeLessThanOrEqual(1);
      if (cancel.length > 0) expect(overlap).toBe('replace');
      const held = new Set(dues.flatMap(({ due, heldUp }) => (heldUp === undefined ? [] : [due])));
      expect(taken.filter(({ due }) => held.has(due))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

it('within the grace a slot is on time, one millisecond later it is not', () => {
  const asking: Asking = {
    agent: { ...agentWith('a', '0 * * * *'), schedule: agentWith('a', '0 * * * *').schedule! },
  };
  expect(decideSlot(asking, { due: NOW - LATE_AFTER_MS, later: 0 }, NOW).is).toBe('ran');
  expect(decideSlot(asking, { due: NOW - LATE_AFTER_MS - 1, later: 0 }, NOW).is).toBe('caught-up');
});

it('jitter is within its bounds, the same each time, and spreads agents that share a minute', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.integer({ min: 1, max: 600_000 }), (agent, due, most) => {
      const jitter = jitterOf(agent, due, most);
      expect(jitter).toBe(jitterOf(agent, due, most));
      expect(jitter).toBeGreaterThanOrEqual(0);
      expect(jitter).toBeLessThanOrEqual(most);
    }),
  );
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 1_000; i++) tenths[Math.floor(jitterOf(`agent-${i}`, NOW, 9_999) / 1_000)]!++;
  expect(Math.min(...tenths)).toBeGreaterThan(60);
  expect(Math.max(...tenths)).toBeLessThan(140);
  expect(jitterOf('a', NOW, 0)).toBe(0);
});

it('skips the slots of an agent that is held up, with the reason, however late they are', () => {
  const agent = agentWith('a', '* * * * *');
  const asking: Asking = { agent: { ...agent, schedule: agent.schedule! } };
  for (const due of [NOW, NOW - 10 * LATE_AFTER_MS]) {
    const decision = decideSlot(asking, { due, later: 0, heldUp: 'quarantined: inc-42' }, NOW);
    expect(decision).toEqual({ due, is: 'skipped', reason: 'quarantined: inc-42' });
  }
});

it('overlap: queue queues up to a bound, and then says why not', () => {
  const agent = agentWith('a', '* * * * * *');
  const schedule = { ...agent.schedule!, overlap: 'queue' as const, maxQueued: 3 };
  const asking: Asking = { agent: { ...agent, schedule } };
  const dues = [0, 1, 2].map((i) => NOW - (3 - i) * 1_000);
  const builds = dues.map((due) => decideSlot(asking, { due, later: 0 }, NOW));
  const unfinished = [1, 2].map((i) => ({ id: `j${i}`, slot: NOW - i * MINUTE }));
  const { decisions, cancel } = decideSlots(asking, builds, unfinished, NOW);
  expect(decisions.map(({ state }) => state)).toEqual(['ran', 'skipped', 'skipped']);
  expect(decisions[1]!.reason).toBe(
    '3 jobs of earlier slots are unfinished, and no more may be (overlap: queue, maxQueued: 3)',
  );
  expect(cancel).toEqual([]);
  const plenty = Array.from({ length: 100 }, (_, i) => ({ id: `j${i}`, slot: NOW - MINUTE - i }));
  const usual: Asking = { ...asking, agent: { ...agent, schedule: { ...agent.schedule!, overlap: 'queue' } } };
  expect(decideSlots(usual, [builds[0]!], plenty, NOW).decisions[0]!.state).toBe('skipped');
  expect(decideSlots(usual, [builds[0]!], plenty.slice(1), NOW).decisions[0]!.state).toBe('ran');
});
