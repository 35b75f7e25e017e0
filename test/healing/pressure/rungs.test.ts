import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Climb, climb, FIRST_CLIMB, LADDER_TIMES, LADDERS } from '../../../src/healing/pressure/rungs.ts';
import type { Strain } from '../../../src/healing/pressure/strain.ts';
import { PRESSURE_STEPS } from '../../../src/kernel/pressure-steps.ts';

const STRAINS: Strain[] = ['relieved', 'strained', 'pressed', 'critical'];
const MOST = LADDERS.memory.length;
const RELIEF_MS = 30_000;

/** A look each second, each strain for so many seconds. */
function course(...parts: [Strain, number][]): Climb[] {
  const all: Climb[] = [];
  let state = FIRST_CLIMB;
  let now = 0;
  for (const [strain, seconds] of parts) {
    for (let second = 0; second < seconds; second++) {
      state = climb(state, strain, now, { most: MOST, reliefMs: RELIEF_MS });
      all.push(state);
      now += 1_000;
    }
  }
  return all;
}

const stepsAfter = (...parts: [Strain, number][]) => course(...parts).at(-1)!.steps;

it('goes up one step at once, then one each ten seconds, to the top', () => {
  expect(stepsAfter(['pressed', 1])).toBe(1);
  expect(stepsAfter(['pressed', 10])).toBe(1);
  expect(stepsAfter(['pressed', 11])).toBe(2);
  expect(stepsAfter(['pressed', 51])).toBe(6);
  expect(stepsAfter(['pressed', 500])).toBe(6);
});

it('goes up a step each two seconds while it is critical', () => {
  expect(stepsAfter(['critical', 11])).toBe(6);
});

it('goes down in reverse, a step for each half minute of relief', () => {
  const up: [Strain, number] = ['pressed', 21];
  expect(stepsAfter(up, ['relieved', 30])).toBe(3);
  expect(stepsAfter(up, ['relieved', 31])).toBe(2);
  expect(stepsAfter(up, ['relieved', 61])).toBe(1);
  expect(stepsAfter(up, ['relieved', 91])).toBe(0);
});

it('stays where it is near the mark, and counts relief anew after it', () => {
  expect(stepsAfter(['pressed', 11], ['strained', 500])).toBe(2);
  expect(stepsAfter(['pressed', 11], ['relieved', 25], ['strained', 1], ['relieved', 25])).toBe(2);
});

it('waits twice as long after each relapse, four minutes at most, and forgets after ten quiet minutes', () => {
  const parts: [Strain, number][] = [['pressed', 1]];
  const relapses: number[] = [];
  for (let relapse = 0; relapse < 6; relapse++) {
    parts.push(['relieved', 241], ['pressed', 1]);
    relapses.push(course(...parts).at(-1)!.relapses);
  }
  expect(relapses).toEqual([0, 0, 0, 0, 0, 0]);
  const quick: [Strain, number][] = [['pressed', 1]];
  const doubled: number[] = [];
  for (const seconds of [31, 61, 121, 241, 241]) {
    quick.push(['relieved', seconds], ['pressed', 1]);
    doubled.push(course(...quick).at(-1)!.relapses);
  }
  expect(doubled).toEqual([1, 2, 3, 3, 3]);
  expect(course(...quick, ['relieved', 241 + 601]).at(-1)!).toMatchObject({ steps: 0, relapses: 0 });
});

describe('in any course of looks', () => {
  const courses = fc.array(
    fc.record({ strain: fc.constantFrom(...STRAINS), afterMs: fc.integer({ min: 1, max: 20_000 }) }),
    { maxLength: 200 },
  );

  function follow(looks: readonly { strain: Strain; afterMs: number }[], most = MOST) {
    let now = 0;
    let before = FIRST_CLIMB;
    return looks.map(({ strain, afterMs }) => {
      now += afterMs;
      const after = climb(before, strain, now, { most, reliefMs: RELIEF_MS });
      const move = { before, after, strain, now };
      before = after;
      return move;
    });
  }

  it('a look moves one step at most, within the ladder, up only under pressure and down only in relief', () => {
    fc.assert(
      fc.property(courses, fc.integer({ min: 1, max: MOST }), (looks, most) => {
        for (const { before, after, strain } of follow(looks, most)) {
          expect(Math.abs(after.steps - before.steps)).toBeLessThanOrEqual(1);
          expect(after.steps).toBeGreaterThanOrEqual(0);
          expect(after.steps).toBeLessThanOrEqual(most);
          if (after.steps > before.steps) expect(['pressed', 'critical']).toContain(strain);
          if (after.steps < before.steps) expect(strain).toBe('relieved');
        }
      }),
    );
  });

  it('there are never two moves within two seconds but for the first step up, and none down within half a minute', () => {
    fc.assert(
      fc.property(courses, (looks) => {
        let last = Number.NEGATIVE_INFINITY;
        for (const { before, after, now } of follow(looks)) {
          if (after.steps === before.steps) continue;
          if (before.steps > 0) expect(now - last).toBeGreaterThanOrEqual(LADDER_TIMES.UP_CRITICAL_MS);
          if (after.steps < before.steps) expect(now - last).toBeGreaterThanOrEqual(RELIEF_MS);
          last = now;
        }
      }),
    );
  });

  it('relief that lasts ends all, and pressure that lasts reaches the top', () => {
    fc.assert(
      fc.property(courses, (looks) => {
        const long = (strain: Strain) => Array.from({ length: 200 }, () => ({ strain, afterMs: 10_000 }));
        expect(follow([...looks, ...long('relieved')]).at(-1)!.after.steps).toBe(0);
        expect(follow([...looks, ...long('pressed')]).at(-1)!.after.steps).toBe(MOST);
      }),
    );
  });
});

it('each ladder goes up in the order of the rungs', () => {
  for (const ladder of Object.values(LADDERS)) {
    const rungs = ladder.map((step) => PRESSURE_STEPS.indexOf(step));
    expect(rungs).toEqual(rungs.toSorted((a, b) => a - b));
  }
});
