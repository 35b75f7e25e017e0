import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACKOFF_SPREAD, pauseAfter } from '../../src/kernel/backoff.ts';
import { percentile } from '../../src/kernel/statistics.ts';

describe('the pause after a failed attempt', () => {
  const backoff = { first: 1_000, longest: 300_000 };

  it('doubles from the first one up to the longest', () => {
    const middle = [1, 2, 3, 4, 9, 10, 50, 5_000].map((attempt) => pauseAfter(attempt, backoff, 0.5));
    expect(middle).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000, 300_000]);
  });

  it('stays within a quarter of the plain pause, for any attempt and chance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 0, max: 60_000 }),
        fc.integer({ min: 0, max: 86_400_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, first, longest, chance) => {
          const pause = pauseAfter(attempt, { first, longest }, chance);
          const plain = Math.min(longest, first * 2 ** Math.min(attempt - 1, 40));
          expect(Number.isInteger(pause)).toBe(true);
          expect(pause).toBeGreaterThanOrEqual(Math.floor(plain * (1 - BACKOFF_SPREAD)));
          expect(pause).toBeLessThanOrEqual(Math.ceil(plain * (1 + BACKOFF_SPREAD)));
        },
      ),
    );
  });

  it('spreads a crowd evenly over the whole band, both of its ends included', () => {
    const pauses = Array.from({ length: 10_000 }, (_, i) => pauseAfter(1, backoff, i / 10_000));
    const tenths = new Array<number>(10).fill(0);
    for (const pause of pauses) tenths[Math.min(9, Math.floor((pause - 750) / 50))]!++;
    expect(Math.min(...tenths)).toBeGreaterThan(950);
    expect(Math.max(...tenths)).toBeLessThan(1_050);
    expect([pauses[0], pauses.at(-1)]).toEqual([750, 1_250]);
  });
});

describe('percentile', () => {
  it('is a number that was measured, by nearest rank', () => {
    expect(percentile([], 0.5)).toBeNull();
    expect(percentile([7], 0.99)).toBe(7);
    expect(
      [0, 0.5, 0.95, 0.99, 1].map((p) =>
        percentile(
          Array.from({ length: 100 }, (_, i) => i + 1),
          p,
        ),
      ),
    ).toEqual([1, 50, 95, 99, 100]);
  });

  it('has at least the share p of all numbers at or below it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (numbers, p) => {
          const sorted = numbers.toSorted((a, b) => a - b);
          const at = percentile(sorted, p)!;
          expect(sorted.filter((one) => one <= at).length).toBeGreaterThanOrEqual(p * sorted.length);
        },
      ),
    );
  });
});
