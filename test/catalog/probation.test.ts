import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Resolved } from '../../src/catalog/resolve/agent.ts';
import {
  checkAfterRollback,
  evaluateProbation,
  mainCause,
  noRuns,
  type ProbationRunEnd,
  type ProbationRuns,
  THRESHOLDS,
  tail,
  withEnd,
  withReading,
} from '../../src/catalog/rollout/probation.ts';
import {
  approveVersion,
  NO_ROLLOUT,
  pinTo,
  type Rollout,
  rejectVersion,
  selectVersion,
  unpin,
  waiveCause,
} from '../../src/catalog/rollout/rollout.ts';

const MB = 1024 ** 2;
const done = (ms = 10): ProbationRunEnd => ({ is: 'done', ms });
const failed = (code = 'ERROR', cause = 'f-1'): ProbationRunEnd => ({
  is: 'failed',
  at: 5_000,
  fault: { code, message: 'it broke' },
  cause,
});
const runs = (...ends: ProbationRunEnd[]): ProbationRuns => ends.reduce((all, end) => withEnd(all, end), noRuns(0));
const times = (count: number, end: ProbationRunEnd) => Array.from({ length: count }, () => end);
const held = (of: ProbationRuns, bytes: number) => [1, 2, 3].reduce((all) => withReading(all, bytes), of);
const steady = runs(...times(100, done()));
const judge = (seen: ProbationRuns, good: ProbationRuns | undefined = steady, now = 10_000) =>
  evaluateProbation(seen, good, now);

describe('a state on probation', () => {
  it('is not judged before it ran', () => expect(judge(noRuns(0))).toEqual({ is: 'wait' }));

  it('is bad at its first crash, and at its first failure to load', () => {
    for (const code of ['CRASHED', 'BOOT_FAILED', 'OUT_OF_MEMORY', 'OVER_LIMIT']) {
      expect(judge(runs(failed(code)))).toMatchObject({
        is: 'bad',
        kind: 'severe',
        why: 'failed 1 of 1 run: it broke',
      });
    }
  });

  it('may crash where the one before crashed as well', () => {
    const crashy = runs(...times(80, done()), ...times(20, failed('CRASHED')));
    expect(judge(runs(failed('CRASHED')), crashy)).toEqual({ is: 'wait' });
    expect(judge(runs(...times(3, failed('CRASHED'))), crashy)).toMatchObject({ is: 'bad' });
  });

  it('is not bad because of a lost cell: a neighbour may have done it', () => {
    expect(judge(runs(failed('CELL_LOST')))).toEqual({ is: 'wait' });
  });

  it('is bad after three failures where there were none, not after two', () => {
    expect(judge(runs(failed(), failed()))).toEqual({ is: 'wait' });
    expect(judge(runs(failed(), failed(), failed()))).toMatchObject({
      is: 'bad',
      kind: 'errors',
      why: 'failed 3 of 3 runs: it broke (before: 0 of 100)',
      cause: 'f-1',
    });
  });

  it('may fail as often as the one before', () => {
    const flaky = runs(...times(50, done()), ...times(50, failed()));
    expect(judge(runs(failed(), failed(), failed()), flaky)).toEqual({ is: 'wait' });
    expect(judge(runs(...times(8, failed())), flaky)).toMatchObject({ is: 'bad' });
  });

  it('without a history worth the name is bad after three failures in a row', () => {
    const young = runs(done(), done());
    expect(judge(runs(failed(), done(), failed(), failed()), young)).toEqual({ is: 'wait' });
    expect(judge(runs(done(), failed(), failed(), failed()), young)).toMatchObject({ is: 'bad' });
  });

  it('is bad when it is three times as slow and a second slower, and not when nobody would notice', () => {
    const slow = (ms: number) => judge(runs(...times(5, done(ms))), runs(...times(20, done(400))));
    expect(slow(1_300)).toEqual({ is: 'wait' });
    expect(slow(1_500)).toMatchObject({ is: 'bad', kind: 'slow' });
    expect(judge(runs(...times(5, done(300))), runs(...times(20, done(10))))).toEqual({ is: 'wait' });
    expect(judge(runs(...times(4, done(9_000))), runs(...times(20, done(10))))).toEqual({ is: 'wait' });
  });

  it('is bad when it holds twice the memory and 32 MB more', () => {
    const memory = (now: number, then: number) => judge(held(runs(done()), now * MB), held(steady, then * MB));
    expect(memory(40, 10)).toEqual({ is: 'wait' });
    expect(memory(50, 10)).toMatchObject({ is: 'bad', kind: 'memory' });
    expect(memory(190, 100)).toEqual({ is: 'wait' });
    expect(judge(withReading(runs(done()), 900 * MB), held(steady, MB))).toEqual({ is: 'wait' });
  });

  it('is good after 20 runs, or after 3 and a quiet hour', () => {
    expect(judge(runs(...times(19, done())))).toEqual({ is: 'wait' });
    expect(judge(runs(...times(20, done())))).toMatchObject({ is: 'good' });
    const three = runs(...times(3, done()));
    expect(judge(three, steady, THRESHOLDS.quietMs - 1)).toEqual({ is: 'wait' });
    expect(judge(three, steady, THRESHOLDS.quietMs)).toMatchObject({ is: 'good' });
    const one = runs(failed(), ...times(3, done()));
    expect(judge(one, steady, THRESHOLDS.quietMs)).toEqual({ is: 'wait' });
    expect(judge(one, steady, THRESHOLDS.quietMs + 5_000)).toMatchObject({ is: 'good' });
  });

  it('without anything before it is never bad, and good after three runs', () => {
    expect(evaluateProbation(runs(...times(9, failed('CRASHED'))), undefined, 0)).toEqual({ is: 'wait' });
    expect(evaluateProbation(runs(failed(), ...times(3, done())), undefined, 0)).toMatchObject({ is: 'good' });
  });

  it('that does what the one before did is hardly ever bad', () => {
    // Every failure rate, many versions that are no worse: the promised 1 of 100 holds with room for repeated looks.
    let bad = 0;
    const all = 2_000;
    let seed = 7;
    const chance = () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed / 2 ** 32;
    };
    for (let one = 0; one < all; one++) {
      const rate = (one % 10) / 10;
      const end = () => (chance() < rate ? failed() : done());
      const good = runs(...Array.from({ length: 100 }, end));
      let seen = noRuns(0);
      for (let run = 0; run < 40; run++) {
        seen = withEnd(seen, end());
        const decision = judge(seen, good);
        if (decision.is === 'bad') bad += 1;
        if (decision.is !== 'wait') break;
      }
    }
    expect(bad / all).toBeLessThan(0.05);
  });

  it('is judged by a chance: between 0 and 1, and smaller for more failures', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (hits, count, rate) => {
          const chance = tail(hits, count, rate);
          expect(chance).toBeGreaterThanOrEqual(0);
          expect(chance).toBeLessThanOrEqual(1);
          expect(tail(hits + 1, count, rate)).toBeLessThanOrEqual(chance + 1e-9);
        },
      ),
    );
    expect(tail(3, 3, 0.5)).toBeCloseTo(0.125);
    expect(tail(1, 10, 0.1)).toBeCloseTo(0.651, 3);
  });
});

describe('a state that was rolled back', () => {
  const bad = runs(...times(3, failed()));
  const rejection = { kind: 'errors' as const, why: '', cause: mainCause(bad) };
  const appeal = (...ends: ProbationRunEnd[]) => checkAfterRollback(rejection, bad, steady, runs(...ends));

  it('is waived when the good one fails in the same way', () => {
    expect(appeal(failed(), failed())).toBe('wait');
    expect(appeal(failed(), failed(), failed())).toBe('waived');
  });
  it('is not waived by other failures, nor once the good one did its work', () => {
    expect(appeal(...times(9, failed('ERROR', 'f-2')))).toBe('wait');
    expect(appeal(failed(), done())).toBe('confirmed');
  });
  it('for its slowness is waived when the good one has become as slow', () => {
    const slow = { ...rejection, kind: 'slow' as const };
    expect(checkAfterRollback(slow, bad, steady, runs(...times(3, done(5_000))))).toBe('waived');
    expect(checkAfterRollback(slow, bad, steady, runs(...times(3, done(12))))).toBe('confirmed');
  });
});

describe('which state runs', () => {
  const state = (version: string, settings = ''): Resolved =>
    ({
      agent: { name: 'a', version: { plugin: 'p', id: version }, fingerprint: version + settings },
      origins: [],
    }) as unknown as Resolved;
  const [v1, v2, v3] = [state('v1'), state('v2'), state('v3')];
  const good1: Rollout = { ...NO_ROLLOUT, good: v1 };
  const rejected = (of: Resolved) => ({
    kind: 'errors' as const,
    why: 'failed',
    cause: 'f-1',
    fingerprint: of.agent.fingerprint,
    version: of.agent.version.id,
    at: 1,
  });
  const now = (rollout: Rollout, wanted: Resolved) => selectVersion(rollout, wanted, 1);

  it('a first state is on probation with nothing before it, and good once it is approved', () => {
    const first = now(NO_ROLLOUT, v1);
    expect(first).toMatchObject({ is: 'probation', inForce: v1 });
    expect(now(approveVersion(first.rollout, v1), v1)).toMatchObject({ is: 'good', inForce: v1 });
    // There is nothing to go back to: it stays on probation, and nothing is remembered against it.
    expect(rejectVersion(first.rollout, rejected(v1))).toBe(first.rollout);
  });

  it('a rejected state gives way to the good one until the files change', () => {
    const probation = now(good1, v2).rollout;
    const back = now(rejectVersion(probation, rejected(v2)), v2);
    expect(back).toMatchObject({ is: 'rolled-back', inForce: v1, rejected: { version: 'v2' } });
    expect(now(back.rollout, v3)).toMatchObject({ is: 'probation', inForce: v3 });
    expect(now(now(back.rollout, v3).rollout, v2)).toMatchObject({ is: 'rolled-back', inForce: v1 });
  });

  it('settings alone are a state of their own', () => {
    const changed = state('v1', '+slow');
    const probation = now(good1, changed);
    expect(probation).toMatchObject({ is: 'probation', inForce: changed });
    expect(now(rejectVersion(probation.rollout, rejected(changed)), changed)).toMatchObject({ inForce: v1 });
  });

  it('a late verdict on a state that is not on probation changes nothing', () => {
    const probation = now(good1, v3).rollout;
    expect(rejectVersion(probation, rejected(v2))).toBe(probation);
    expect(approveVersion(probation, v2)).toBe(probation);
  });

  it('a waived state is on probation again, and remembers every waived cause', () => {
    const once = waiveCause(rejectVersion(now(good1, v2).rollout, rejected(v2)), 'v2', 'f-1', 2);
    expect(now(once, v2)).toMatchObject({ is: 'probation', inForce: v2 });
    const twice = waiveCause(rejectVersion(once, rejected(v2)), 'v2', 'f-9', 3);
    expect(twice.probation).toMatchObject({ waived: ['f-1', 'f-9'] });
  });

  it('a person holds an agent until its files change, and what was held is good then', () => {
    const pinned = pinTo({ ...good1, good: v2, before: v1 }, v1, v2, 5);
    expect(now(pinned, v2)).toMatchObject({ is: 'pinned', inForce: v1 });
    const next = now(pinned, v3);
    expect(next).toMatchObject({ is: 'probation', inForce: v3, rollout: { good: v1 } });
    expect(now(unpin(pinned, v2), v2)).toMatchObject({ is: 'good', inForce: v2 });
  });

  it('a bad state that a person forces is good', () => {
    const bad = rejectVersion(now(good1, v2).rollout, rejected(v2));
    expect(now(pinTo(bad, v2, v2, 1), v2)).toMatchObject({ is: 'good', inForce: v2, rollout: { before: v1 } });
  });

  it('what runs was never rejected, as long as something is good, over any history', () => {
    const states = [v1, v2, v3, state('v1', '+x'), state('v2', '+x')];
    const event = fc.record({ what: fc.constantFrom('save', 'good', 'bad', 'waive', 'pin', 'unpin'), at: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let rollout = NO_ROLLOUT;
        let wanted = v1;
        for (const { what, at } of events) {
          const before = selectVersion(rollout, wanted, 1);
          rollout = before.rollout;
          const { inForce } = before;
          if (what === 'save') wanted = states[at]!;
          if (what === 'good') rollout = approveVersion(rollout, inForce);
          if (what === 'bad') rollout = rejectVersion(rollout, rejected(inForce));
          if (what === 'waive') rollout = waiveCause(rollout, states[at]!.agent.fingerprint, 'f-1', 1);
          if (what === 'pin') rollout = pinTo(rollout, states[at]!, wanted, 1);
          if (what === 'unpin') rollout = unpin(rollout, wanted);
          const after = selectVersion(rollout, wanted, 1);
          const isBad = after.rollout.bad.some(({ fingerprint }) => fingerprint === after.inForce.agent.fingerprint);
          expect(isBad && after.is === 'probation' && after.rollout.good !== null).toBe(false);
          expect(selectVersion(after.rollout, wanted, 1)).toEqual(after);
          // Once something is good there is always something to go back to.
          if (before.rollout.good) expect(after.rollout.good).not.toBeNull();
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
