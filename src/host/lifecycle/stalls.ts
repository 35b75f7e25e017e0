import type { Log } from '../../kernel/log.ts';
import { isStalled, type LoopAges, overdueAfter, type StalledLoop } from '../../kernel/pulse.ts';
import { formatDuration } from '../../kernel/units.ts';

/** The host's own look at its loops, at each of its signs of life. */
interface StallWatch {
  /** The sentence of a loop that stands still although it could turn: nobody says any more that the host lives. */
  look(ages: LoopAges): string | undefined;
}

interface StallNeeds {
  monotonic(): number;
  /** Asked when a loop is overdue: a host that waits for its disk has not stalled, for a new one would wait as well. */
  waitsForDevice(): boolean;
  /** The log of now; the host opens it after its first sign of life. */
  log(): Log;
}

/** Logs the beginning of each stall, and the end of each wait for a device: until then a line would wait for the same disk. */
export function createStallWatch({ monotonic, waitsForDevice, log }: StallNeeds): StallWatch {
  let overdue: StalledLoop | undefined;
  let wasStalled = false;
  let waitsSince: number | undefined;

  return {
    look(ages) {
      overdue = overdueAfter(overdue, ages);
      const late = isStalled(overdue) ? overdue : undefined;
      const waits = late !== undefined && waitsForDevice();
      if (waits) waitsSince ??= monotonic() - late.ageMs;
      if (late === undefined) noteAnswer();
      const stalled =
        late === undefined || waits ? undefined : `${late.loop} has not turned for ${formatDuration(late.ageMs)}`;
      if (stalled !== undefined && !wasStalled) log().error(`stalled: ${stalled}`, { ages });
      wasStalled = stalled !== undefined;
      return stalled;
    },
  };

  function noteAnswer() {
    if (waitsSince === undefined) return;
    const forMs = Math.round(monotonic() - waitsSince);
    waitsSince = undefined;
    log().warn(`the disk did not answer for ${formatDuration(forMs)}; the host waited for it`, { forMs });
  }
}
