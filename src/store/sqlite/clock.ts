import { Fault } from '../../kernel/fault.ts';
import { INSTANTS, isInstant } from '../../kernel/instant.ts';
import type { Time } from '../../kernel/time.ts';

/** The clock that stamps what is written to the embedded store: the machine's wall clock. */
export interface StoreClock {
  /**
   * Epoch ms. A call compares the wall clock with the monotonic one, and reports a step back before it answers. Throws a
   * `Fault` `VALUE_INVALID` while the wall clock shows a time that no store can keep.
   */
  now(): number;
  /** Like `now`, for calls that only read: it never throws, but gives the nearest time that a store can keep. */
  nearest(): number;
}

/** Less than this is a clock that is kept right. */
const SMALL_MS = 1_000;

/** `setBack` hears of each step back: what the clock would have shown, and what it shows. */
export function createStoreClock(time: Time, setBack: (was: number, now: number) => void): StoreClock {
  let before = { wall: time.now(), monotonic: time.monotonic() };

  function look(): number {
    const after = { wall: time.now(), monotonic: time.monotonic() };
    // A clock that was beyond all times that can be stored has stamped nothing there.
    const was = Math.min(Math.round(before.wall + after.monotonic - before.monotonic), INSTANTS.most);
    before = after;
    if (was - after.wall > SMALL_MS && isInstant(after.wall)) setBack(was, after.wall);
    return after.wall;
  }

  return {
    now() {
      const now = look();
      if (!isInstant(now)) throw clockInvalid(now);
      return now;
    },
    nearest: () => Math.min(Math.max(Math.round(look()), INSTANTS.least), INSTANTS.most),
  };
}

function clockInvalid(shown: number): Fault {
  return new Fault({
    code: 'VALUE_INVALID',
    message: `the clock shows ${shown}, a time that the store cannot keep`,
    next: 'set the clock of this machine',
  });
}
