import { expect, test } from 'vitest';
import { createThrottle } from '../../src/catalog/coordination.ts';

test('work that takes long leaves four times as long to others, and work that takes no time leaves none', () => {
  let now = 0;
  const throttle = createThrottle({ monotonic: () => now });
  expect(throttle.waitMs()).toBe(0);
  throttle.run(() => {});
  expect(throttle.waitMs()).toBe(0);
  throttle.run(() => {
    now += 50;
  });
  expect(throttle.waitMs()).toBe(200);
  now += 150;
  expect(throttle.waitMs()).toBe(50);
  now += 1_000;
  expect(throttle.waitMs()).toBe(0);
  expect(() =>
    throttle.run(() => {
      now += 10;
      throw new Error('it fails');
    }),
  ).toThrow('it fails');
  expect(throttle.waitMs()).toBe(40);
});
