import type { Time } from '../kernel/time.ts';

/** A kill that the kernel counted so long before a process was found dead may have been of it. */
const RECENT_MS = 5_000;

/** Says whether the kernel killed a process for memory a moment ago. */
interface KernelKills {
  /** Reads the count; to be called about once a second. */
  sample(): void;
  /** Whether the kernel counts more kills than it did {@link RECENT_MS} ago. */
  hasKilled(): boolean;
}

/** `count`: processes that the kernel has killed for memory; it never falls. The kernel counts a kill before its process ends. */
export function createKernelKills(time: Pick<Time, 'monotonic'>, count: () => number): KernelKills {
  let samples = [{ at: time.monotonic(), kills: count() }];
  return {
    sample() {
      const at = time.monotonic();
      samples.push({ at, kills: count() });
      // The newest of the old ones stays: growth is counted from there.
      const recent = samples.findIndex((one) => one.at >= at - RECENT_MS);
      samples = samples.slice(Math.max(0, recent - 1));
    },
    hasKilled() {
      const before = samples.findLast(({ at }) => at < time.monotonic() - RECENT_MS) ?? samples[0]!;
      return count() > before.kills;
    },
  };
}
