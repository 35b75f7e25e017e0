import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addToSketch,
  mergeSketch,
  SKETCH_ERROR,
  type Sketch,
  sketchCount,
  sketchCountUpTo,
  sketchOf,
  sketchQuantile,
  sketchSum,
  sketchText,
} from '../../src/kernel/sketch.ts';
import { percentile } from '../../src/kernel/statistics.ts';

const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 3e9 })), {
  minLength: 1,
});
const share = fc.double({ min: 0, max: 1, noNaN: true });
function sketch(of: readonly number[]): Sketch {
  const made: Sketch = new Map();
  for (const ms of of) addToSketch(made, ms);
  return made;
}

test('every quantile is within the error of the exact one, whatever was counted', () => {
  fc.assert(
    fc.property(lengths, share, (of, p) => {
      const exact = percentile(
        [...of].sort((a, b) => a - b),
        p,
      )!;
      expect(Math.abs(sketchQuantile(sketch(of), p)! - exact)).toBeLessThanOrEqual(exact * SKETCH_ERROR * 1.000_001);
    }),
    { numRuns: 2_000 },
  );
});

test('parts add up to the whole, and a sketch comes back out of its text', () => {
  fc.assert(
    fc.property(lengths, lengths, (some, others) => {
      const merged = sketch(some);
      mergeSketch(merged, sketch(others));
      const whole = sketch([...some, ...others]);
      expect(merged).toEqual(whole);
      expect(sketchOf(sketchText(merged))).toEqual(whole);
      expect(sketchCount(merged)).toBe(some.length + others.length);
      const sum = [...some, ...others].reduce((all, ms) => all + ms, 0);
      expect(Math.abs(sketchSum(merged) - sum)).toBeLessThanOrEqual(sum * SKETCH_ERROR * 1.000_001);
    }),
  );
});

test('counts up to a bound are those of all lengths but the ones within the error of it', () => {
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 1e9 }), (of, bound) => {
      const counted = sketchCountUpTo(sketch(of), bound);
      const edge = bound * SKETCH_ERROR * 1.1;
      expect(counted).toBeGreaterThanOrEqual(of.filter((ms) => ms < bound - edge).length);
      expect(counted).toBeLessThanOrEqual(of.filter((ms) => ms < bound + edge).length);
    }),
  );
});

test.each(['', '{}', '[1]', '[1,"a"]', '[1,0.5]', 'null'])('%j is no sketch', (text) => {
  expect(sketchOf(text)).toBeUndefined();
});

test('nothing was counted: no quantile', () => {
  expect(sketchQuantile(new Map(), 0.95)).toBeNull();
  expect(sketchText(new Map())).toBe('[]');
});
