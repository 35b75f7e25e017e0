import { expect, it } from 'vitest';
import { INSTANTS } from '../../src/kernel/instant.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createStoreClock } from '../../src/store/sqlite/clock.ts';

const HOUR = 3_600_000;

function world() {
  const clock = { wall: 10 * HOUR, monotonic: 5_000 };
  const told: [was: number, now: number][] = [];
  const watched = createStoreClock(
    { ...machineTime, now: () => clock.wall, monotonic: () => clock.monotonic },
    (was, now) => told.push([was, now]),
  );
  return {
    told,
    now: watched.now,
    nearest: watched.nearest,
    pass(ms: number, jump = 0) {
      clock.monotonic += ms;
      clock.wall += ms + jump;
    },
  };
}

it('tells once of a clock that went back, and what it would have shown', () => {
  const { told, now, pass } = world();
  // The monotonic clock knows parts of a millisecond.
  pass(10_000.25, -HOUR - 0.25);
  now();
  expect(told).toEqual([[10 * HOUR + 10_000, 9 * HOUR + 10_000]]);
  pass(10_000);
  now();
  expect(told).toHaveLength(1);
});

it('refuses to stamp while the clock is in no year that can be stored, and tells of its way back with a time that can', () => {
  const { told, now, nearest, pass } = world();
  pass(1_000, 8.7e15);
  expect(now).toThrow('cannot keep');
  expect(nearest()).toBe(INSTANTS.most);
  pass(1_000, -8.7e15);
  now();
  expect(told).toEqual([[INSTANTS.most, 10 * HOUR + 2_000]]);
});

it('has nothing to tell of a clock that is kept right, goes ahead, or of a machine that slept', () => {
  const { told, now, pass } = world();
  for (const jump of [0, -900, 400, HOUR, 24 * HOUR]) {
    pass(10_000, jump);
    now();
  }
  expect(told).toEqual([]);
});

it('notices a clock that was ahead for a moment between two looks, when a job was stamped meanwhile', () => {
  const { told, now, pass } = world();
  pass(2_000, HOUR);
  expect(now()).toBe(11 * HOUR + 2_000);
  pass(3_000, -HOUR);
  now();
  expect(told).toEqual([[11 * HOUR + 5_000, 10 * HOUR + 5_000]]);
});
