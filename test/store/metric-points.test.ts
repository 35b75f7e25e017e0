import { expect, test } from 'vitest';
import type { Sketch } from '../../src/kernel/sketch.ts';
import { packPoints, type RowPoint, unpackPoints } from '../../src/store/sqlite/inside/metric-points.ts';
import { randomOf } from '../healing/courses.ts';

const random = randomOf(7);
const upTo = (most: number) => Math.floor(random() * (most + 1));

/** A sketch of buckets near each other or far apart, with counts that are alike or not. */
function sketch(): Sketch {
  const [distance, most] = [1 + upTo(1) * upTo(40), [1, 3, 60, 2 ** 40][upTo(3)]!];
  const found: Sketch = new Map();
  for (let bucket = upTo(200), left = upTo(20); left > 0 && bucket <= 1_000; left--, bucket += 1 + upTo(distance))
    found.set(bucket, 1 + Math.floor(random() ** 3 * most));
  return found;
}

test('points of histograms come back as they were, one after the other', () => {
  for (let round = 0; round < 300; round++) {
    const points = Array.from({ length: 1 + upTo(5) }, (_, place): RowPoint => {
      return { place, value: { kind: 'histogram', sum: upTo(999_999), sketch: sketch() } };
    });
    expect(unpackPoints(packPoints(points), 'histogram')).toEqual(points);
  }
});

test('whole numbers are exact, fractions within a hundred thousandth, also small and negative ones', () => {
  for (const sum of [0, 7, 2 ** 50 - 1, 2 ** 52, 0.25, 90.123_456_7, 0.000_004_2, 1_234.567_89, -3.5]) {
    const [point] = unpackPoints(packPoints([{ place: 3, value: { kind: 'counter', sum } }]), 'counter');
    const read = point!.value.sum;
    if (Number.isInteger(sum)) expect(read).toBe(sum);
    else expect(Math.abs(read - sum)).toBeLessThanOrEqual(Math.abs(sum) * 1e-5);
  }
});

test('an hour of 60 lengths takes less than half of a byte for each of them', () => {
  const lengths: Sketch = new Map(Array.from({ length: 27 }, (_, at) => [115 + at, at % 3 === 0 ? 4 : at % 3]));
  const bytes = packPoints([{ place: 1, value: { kind: 'histogram', sum: 9_000, sketch: lengths } }]);
  expect(bytes.length).toBeLessThan(30);
});

test('bytes of anything are read without an end that never comes, and those that are cut off keep the points before', () => {
  for (let round = 0; round < 2_000; round++) {
    const bytes = Uint8Array.from({ length: upTo(60) }, () => (upTo(3) === 0 ? 255 : upTo(255)));
    for (const kind of ['counter', 'gauge', 'histogram'] as const)
      expect(unpackPoints(bytes, kind)).toBeInstanceOf(Array);
  }
  const value = { kind: 'histogram', sum: 5, sketch: new Map([[100, 300]]) } as const;
  const whole = packPoints([
    { place: 0, value },
    { place: 1, value },
  ]);
  expect(unpackPoints(whole.slice(0, -1), 'histogram')).toEqual([{ place: 0, value }]);
});
