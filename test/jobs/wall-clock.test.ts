import { expect, it } from 'vitest';
import { createWallClock } from '../../src/jobs/wall-clock.ts';
import { INSTANTS } from '../../src/kernel/instant.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';

const HOUR = 3_600_000;

function world() {
  const clock = { wall: 10 * HOUR, monotonic: 5_000 };
  const told: [was: number, now: number][] = [];
  let refusals = 0;
  const watched = createWallClock({
    time: { ...machineTime, now: () => clock.wall, monotonic: () => clock.monotonic },
    log: silentLog,
    store: {
      async setBack(was, now) {
        if (refusals-- > 0) throw new Error('the disk is full');
        told.push([was, now]);
        return 1;
      },
    },
  });
  return {
    told,
    look: watched.look,
    now: watched.time.now,
    refuse(times: number) {
      refusals = times;
    },
    pass(ms: number, jump = 0) {
      clock.monotonic += ms;
      clock.wall += ms + jump;
    },
  };
}

it('tells the store once of a clock that went back, and what it would have shown', async () => {
  const { told, look, pass } = world();
  // The monotonic clock knows parts of a millisecond.
  pass(10_000.25, -HOUR - 0.25);
  await look();
  expect(told).toEqual([[10 * HOUR + 10_000, 9 * HOUR + 10_000]]);
  pass(10_000);
  await look();
  expect(told).toHaveLength(1);
});

it('tells of a clock that was in no year that can be stored with a time that can', async () => {
  const { told, look, now, pass } = world();
  pass(1_000, 8.7e15);
  now();
  pass(1_000, -8.7e15);
  await look();
  expect(told).toEqual([[INSTANTS.most, 10 * HOUR + 2_000]]);
});

it('has nothing to tell of a clock that is kept right, goes ahead, or of a machine that slept', async () => {
  const { told, look, pass } = world();
  for (const jump of [0, -900, 400, HOUR, 24 * HOUR]) {
    pass(10_000, jump);
    await look();
  }
  expect(told).toEqual([]);
});

it('makes up for a look that the store refused', async () => {
  const { told, look, pass, refuse } = world();
  refuse(1);
  pass(10_000, -HOUR);
  await expect(look()).rejects.toThrow('full');
  pass(10_000);
  await look();
  expect(told).toEqual([[10 * HOUR + 10_000, 9 * HOUR + 10_000]]);
});

it('notices a clock that was ahead for a moment between two looks, when a job was stamped meanwhile', async () => {
  const { told, look, now, pass } = world();
  pass(2_000, HOUR);
  expect(now()).toBe(11 * HOUR + 2_000);
  pass(3_000, -HOUR);
  await look();
  expect(told).toEqual([[11 * HOUR + 5_000, 10 * HOUR + 5_000]]);
});
