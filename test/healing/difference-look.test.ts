import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyProfile, type VersionProfile } from '../../src/healing/difference-look.ts';
import { COURSES, LIMIT, randomOf } from './courses.ts';
import { liveVersion } from './replay.ts';

const MB = 1024 ** 2;
const HOUR = 3_600_000;

/** A heap with a saw of garbage, noise, and a cache that fills within the hour. */
function heap(seed: number, { holds = 80, leakPerHour = 0, perJob = 0, jobsPerHour = 12 } = {}) {
  const random = randomOf(seed);
  const period = (5 + random() * 40) * 60_000;
  return (ms: number) => {
    const cache = 40 * (1 - Math.exp(-ms / (0.3 * HOUR)));
    const leak = (leakPerHour * ms) / HOUR + (perJob * jobsPerHour * ms) / HOUR;
    return (holds + cache + leak + ((ms % period) / period) * 20 + random() * 3) * MB;
  };
}

/** The profile of a version after some lives of a day. */
function profileOf(heaps: ((ms: number) => number)[], hours = 24): VersionProfile {
  const profile = emptyProfile();
  for (const held of heaps) liveVersion(held, { before: emptyProfile(), own: profile, hours });
  return profile;
}

const seeds = fc.integer({ min: 1, max: 2 ** 31 });

describe('a version beside the one before it', () => {
  it('leaks where it goes on to hold more, and is told on its first day', () => {
    fc.assert(
      fc.property(seeds, fc.double({ min: 8, max: 60, noNaN: true }), (seed, leakPerHour) => {
        const before = profileOf([heap(seed), heap(seed + 1)]);
        const told = liveVersion(heap(seed + 2, { leakPerHour }), {
          before,
          hours: 24,
        });
        expect(told).not.toBeNull();
        expect(told!.hour).toBeLessThan(24);
      }),
      { numRuns: 30 },
    );
  });

  it('does not leak where both are alike, hold more from some point on, or leak alike', () => {
    const more = fc.double({ min: -60, max: 150, noNaN: true });
    const leaks = fc.double({ min: 0, max: 12, noNaN: true });
    fc.assert(
      fc.property(seeds, more, leaks, (seed, moreMb, leakPerHour) => {
        const before = profileOf([heap(seed, { leakPerHour }), heap(seed + 1, { leakPerHour })]);
        expect(
          liveVersion(heap(seed + 2, { holds: 80 + moreMb, leakPerHour }), {
            before,
            hours: 24,
          }),
        ).toBeNull();
      }),
      { numRuns: 30 },
    );
  });

  it('does not leak more where it does more jobs, each of which leaks as before', () => {
    const before = profileOf([heap(1, { perJob: 0.5 }), heap(2, { perJob: 0.5 })]);
    const busy = heap(3, { perJob: 0.5, jobsPerHour: 30 });
    expect(liveVersion(busy, { before, hours: 10, jobsPerHour: 30 })).toBeNull();
    const worse = heap(4, { perJob: 2, jobsPerHour: 12 });
    expect(liveVersion(worse, { before, hours: 10 })).not.toBeNull();
  });

  it('does not leak where nothing is known of the version before', () => {
    expect(
      liveVersion(heap(5, { leakPerHour: 60 }), {
        before: emptyProfile(),
        hours: 6,
      }),
    ).toBeNull();
  });

  it('does not leak on any healthy course, whatever the hour at which it was loaded', () => {
    const wrong: string[] = [];
    for (const course of COURSES.filter(({ leakPerHour }) => !leakPerHour))
      for (const seed of [1, 2, 3]) {
        const held = course.of(randomOf(seed * 100));
        // Two days of the version before, with a new worker each 16 hours; then the next version.
        const before = profileOf(
          [0, 16, 32].map((hour) => (ms) => held(hour * HOUR + ms).bytes),
          16,
        );
        const told = liveVersion((ms) => held(48 * HOUR + ms).bytes, {
          before,
          hours: 72,
        });
        if (told) wrong.push(`${course.name} ${seed}: hour ${told.hour}`);
      }
    expect(wrong).toEqual([]);
    expect(LIMIT).toBe(512 * MB);
  });
});
