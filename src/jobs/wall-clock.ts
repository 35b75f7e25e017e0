import { INSTANTS } from '../kernel/instant.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import type { JobStore } from './ports.ts';

/** Sees that the wall clock, by which jobs are due, was set back: what waits would wait until it has caught up. */
export interface WallClock {
  /** The time by which jobs are stamped. Each time that it is asked it is compared with the monotonic one. */
  time: Time;
  /** Tells the store of every step back since the last look; rejects when it refuses, and the next look makes up for it. */
  look(): Promise<void>;
}

export interface WallClockNeeds {
  time: Time;
  log: Log;
  store: Pick<JobStore, 'setBack'>;
}

/** Less than this is a clock that is kept right. */
const SMALL_MS = 1_000;

export function createWallClock({ time, log, store }: WallClockNeeds): WallClock {
  let before = { wall: time.now(), monotonic: time.monotonic() };
  const steps: { was: number; now: number }[] = [];

  function now(): number {
    const after = { wall: time.now(), monotonic: time.monotonic() };
    // A clock that was beyond all times that can be stored has stamped nothing there.
    const was = Math.min(Math.round(before.wall + after.monotonic - before.monotonic), INSTANTS.most);
    if (was - after.wall > SMALL_MS) steps.push({ was, now: after.wall });
    before = after;
    return after.wall;
  }

  return {
    time: { ...time, now },
    async look() {
      now();
      for (let step = steps[0]; step; step = steps[0]) {
        const moved = await store.setBack(step.was, step.now);
        steps.shift();
        const by = formatDuration(step.was - step.now);
        if (moved > 0)
          log.info(`the clock went back by ${by}: jobs that wait do not wait for that, too`, { jobs: moved });
      }
    },
  };
}
