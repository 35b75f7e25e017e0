import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addToSketch, type Sketch } from '../../src/kernel/sketch.ts';
import { compareStretches, memoryGrowthOf, type Stretch } from '../../src/telemetry/early-warnings.ts';

const HOUR = 3_600_000;
const MB = 1024 ** 2;

/** Uniform numbers from a seed, for any course of them (splitmix32). */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Durations of `runs` attempts with a long tail (Pareto), `factor` times as long. */
function stretch(runs: number, { seed = 1, factor = 1, failing = 0 } = {}): Stretch {
  const random = randomOf(seed);
  const durations: Sketch = new Map();
  let failedAttempts = 0;
  for (let run = 0; run < runs; run++) {
    if (random() < failing) failedAttempts++;
    else addToSketch(durations, (200 * factor) / (1 - random()) ** 0.4);
  }
  return { durations, done: runs - failedAttempts, failedAttempts };
}
const kinds = (now: Stretch, before: Stretch) => compareStretches(now, before).map(({ is }) => is);

describe('the last day against the week before', () => {
  it('is no warning where both are noise of one kind, whatever their sizes', () => {
    const rate = fc.double({ min: 0, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(3_000), rate, (seed, other, runs, failing) => {
        expect(kinds(stretch(runs, { seed, failing }), stretch(2_000, { seed: other, failing }))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('is no warning with too few runs on a side, however bad they are', () => {
    fc.assert(
      fc.property(fc.nat(49), fc.nat(199), (few, fewBefore) => {
        const [bad, fine] = [{ seed: 2, factor: 9 }, { seed: 3 }];
        expect(kinds(stretch(few, bad), stretch(2_000, fine))).toEqual([]);
        expect(kinds(stretch(2_000, bad), stretch(fewBefore, fine))).toEqual([]);
        expect(kinds(stretch(few, { failing: 0.9 }), stretch(2_000, fine))).toEqual([]);
        expect(kinds(stretch(2_000, { failing: 0.9 }), stretch(fewBefore, fine))).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('is one where an agent with enough runs takes twice as long, or fails five times as often', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const before = { seed: seed + 1 };
        expect(kinds(stretch(1_000, { seed, factor: 2 }), stretch(3_000, before))).toEqual(['slower']);
        expect(kinds(stretch(1_000, { seed, failing: 0.2 }), stretch(3_000, { ...before, failing: 0.04 }))).toEqual([
          'failing',
        ]);
      }),
      { numRuns: 50 },
    );
  });

  it('says the figures', () => {
    const [warning] = compareStretches(stretch(2_000, { factor: 3 }), stretch(7_000, { seed: 4 }));
    expect(warning).toMatchObject({ is: 'slower', runs: 2_000, runsBefore: 7_000 });
    expect(warning!.is === 'slower' && warning!.now / warning!.before).toBeCloseTo(3, 0);
  });

  it('is none for what got better, or rose by less than anybody would look at', () => {
    for (const factor of [0.3, 1, 1.1])
      expect(kinds(stretch(3_000, { factor }), stretch(9_000, { seed: 5 }))).toEqual([]);
    const all = (ms: number): Stretch => {
      const durations: Sketch = new Map();
      for (let run = 0; run < 1_000; run++) addToSketch(durations, ms);
      return { durations, done: 1_000, failedAttempts: 0 };
    };
    expect(kinds(all(9), all(3))).toEqual([]);
    expect(kinds(all(90), all(30))).toEqual(['slower']);
  });
});

describe('the course of memory over two days', () => {
  const course = (valueAt: (hour: number) => number, hours = 48) =>
    Array.from({ length: hours }, (_, hour) => ({ at: hour * HOUR, value: valueAt(hour) }));

  it('is a warning where it rises steadily to a limit that is near, with the time that is left', () => {
    const warning = memoryGrowthOf(
      course((hour) => 100 * MB + hour * 5 * MB),
      512 * MB,
    );
    expect(warning).toMatchObject({ is: 'growing', perHourBytes: expect.closeTo(5 * MB, 0) });
    expect(warning!.is === 'growing' && warning!.leftMs / HOUR).toBeCloseTo((512 - 335) / 5, 3);
  });

  it('is none for noise, days that rise and fall, steps, nightly batches, and limits that are far', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = randomOf(seed);
        const noise = course(() => 300 * MB + random() * 200 * MB);
        expect(memoryGrowthOf(noise, 512 * MB)).toBeUndefined();
      }),
      { numRuns: 200 },
    );
    const courses = [
      (hour: number) => 100 * MB + (hour % 24) * 14 * MB,
      (hour: number) => 250 * MB + Math.sin((hour / 24) * 2 * Math.PI) * 150 * MB,
      (hour: number) => (hour < 24 ? 100 : 400) * MB,
      (hour: number) => (hour % 24 < 3 ? 400 : 100) * MB,
      (hour: number) => 100 * MB + hour * MB,
      (hour: number) => 480 * MB - hour * 5 * MB,
    ];
    for (const valueAt of courses) expect(memoryGrowthOf(course(valueAt), 512 * MB)).toBeUndefined();
    const short = course((hour) => hour * 9 * MB, 23);
    expect(memoryGrowthOf(short, 512 * MB)).toBeUndefined();
    expect(memoryGrowthOf([], 512 * MB)).toBeUndefined();
  });
});
