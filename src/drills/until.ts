import type { Time } from '../kernel/time.ts';

const LOOK_EVERY_MS = 25;

/**
 * Checks a condition every 25 ms; false when the condition did not hold within the time. A check that throws counts
 * as no: a host that is away for a moment is what drills are about.
 */
export async function until(time: Time, withinMs: number, holds: () => Promise<boolean> | boolean): Promise<boolean> {
  const deadline = time.monotonic() + withinMs;
  while (time.monotonic() < deadline) {
    try {
      if (await holds()) return true;
    } catch {
      // The next look may find the host back.
    }
    await time.sleep(LOOK_EVERY_MS);
  }
  return false;
}
