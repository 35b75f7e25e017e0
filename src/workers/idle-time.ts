import type { Time } from '../kernel/time.ts';

/** Work that comes at greater distances than this share of the idle time is seldom; … */
const SELDOM_SHARE = 0.5;
/** … it is not waited for: the worker stays for this share only. */
const SHORT_SHARE = 1 / 6;

/** The time between the last two times that a pool was given work, in ms; undefined before there were two. */
export function createGaps(time: Pick<Time, 'monotonic'>) {
  let gaveAt: number | undefined;
  let gapMs: number | undefined;
  return {
    gave() {
      const at = time.monotonic();
      if (gaveAt !== undefined) gapMs = at - gaveAt;
      gaveAt = at;
    },
    lastMs: () => gapMs,
  };
}

/**
 * How long an idle worker stays, in ms. `gapMs`: between the last two times that its agent was given work; undefined
 * before there were two. A thread that waits holds some 10 MB, and saves the 30 to 50 ms that a new one takes to start: too
 * much for an agent that works once a minute or less (bench/results/workers.json).
 */
export function idleTimeoutMs(gapMs: number | undefined, idleMs: number): number {
  return gapMs !== undefined && gapMs > SELDOM_SHARE * idleMs ? SHORT_SHARE * idleMs : idleMs;
}
