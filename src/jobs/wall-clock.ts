import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import type { JobStore } from './ports.ts';

/** Sees that the wall clock was set back, by which jobs are due: what waits would wait until it has caught up. */
export interface WallClock {
  /** One look; rejects when the store refuses, and the next look makes up for it. */
  look(): Promise<void>;
}

/** Less than this is a clock that is kept right. */
const SMALL_MS = 1_000;

export function createWallClock({
  time,
  log,
  store,
}: {
  time: Time;
  log: Log;
  store: Pick<JobStore, 'setBack'>;
}): WallClock {
  const moment = () => ({ wall: time.now(), monotonic: time.monotonic() });
  let before = moment();

  return {
    async look() {
      const now = moment();
      const was = Math.round(before.wall + now.monotonic - before.monotonic);
      if (was - now.wall > SMALL_MS) {
        const moved = await store.setBack(was, now.wall);
        const by = formatDuration(was - now.wall);
        if (moved > 0)
          log.info(`the clock went back by ${by}: jobs that wait do not wait for that, too`, { jobs: moved });
      }
      before = now;
    },
  };
}
