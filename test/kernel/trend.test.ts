import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEnvelope, slopeOf, steadinessOf } from '../../src/kernel/statistics.ts';

const line = (n: number, slope: number, spoil = (_: number) => 0) =>
  Array.from({ length: n }, (_, i) => ({ at: i * 10, value: 5 + slope * i * 10 + spoil(i) }));

it('finds the slope of a line, whatever a quarter of its points say', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -100, max: 100, noNaN: true }),
      fc.array(fc.nat(39), { maxLength: 5 }),
      (slope, wrong) => {
        const points = line(40, slope, (i) => (wrong.includes(i) ? 1e6 : 0));
        expect(slopeOf(points)).toBeCloseTo(slope, 3);
      },
    ),
  );
  expect(slopeOf([])).toBe(0);
  expect(slopeOf([{ at: 1, value: 9 }])).toBe(0);
});

it('tells a steady rise from a fall and from noise', () => {
  expect(steadinessOf(line(20, 1))).toBe(1);
  expect(steadinessOf(line(20, -1))).toBe(-1);
  expect(Math.abs(steadinessOf(line(20, 0, (i) => (i * 7919) % 101)))).toBeLessThan(0.4);
  expect(steadinessOf([])).toBe(0);
});

it('keeps the edges of the newest spans, and bounds what it keeps', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 0, max: 1_000 })), { minLength: 1 }), (steps) => {
      const envelope = createEnvelope(10, 4);
      const seen = new Map<number, number[]>();
      let at = 0;
      for (const [ms, value] of steps) {
        at += ms;
        envelope.add(at, value);
        const begin = at - (at % 10);
        seen.set(begin, [...(seen.get(begin) ?? []), value]);
      }
      const expected = [...seen]
        .slice(0, -1)
        .map(([begin, values]) => ({ at: begin, least: Math.min(...values), most: Math.max(...values) }));
      expect(envelope.buckets()).toEqual(expected.slice(-4));
    }),
  );
});
