import type { Time } from '../kernel/time.ts';
import { type Cases, caseWith } from './cases.ts';
import type { Disturbances } from './disturbances.ts';
import { type Room, shortageOf } from './pressure.ts';

/** Sees that the machine runs short, and that it does no more. */
export interface PressureWatch {
  /** One look; what is short at two looks in a row is told, then again each minute. */
  look(): Promise<void>;
  isShort(): boolean;
}

export interface PressureWatchNeeds extends Pick<Disturbances, 'notice' | 'heal'> {
  time: Time;
  cases: Pick<Cases, 'of'>;
  room(): Promise<Room>;
  /** It has become short, or is no more. */
  changed(): void;
}

const AGAIN_AFTER_MS = 60_000;

export function createPressureWatch({ time, cases, room, notice, heal, changed }: PressureWatchNeeds): PressureWatch {
  let seen = 0;
  return {
    isShort: () => seen >= 2,
    async look() {
      const short = shortageOf(await room(), seen > 0);
      const before = seen;
      seen = short === null ? 0 : seen + 1;
      const one = caseWith(cases.of(null), 'pressed');
      if (short === null) {
        if (one) heal(one, 'there is room again');
        if (before >= 2) changed();
        return;
      }
      if (seen < 2) return;
      if (seen === 2) changed();
      if (one && time.now() - one.lastAt < AGAIN_AFTER_MS) return;
      notice({ agent: null, verdict: 'pressed', because: { code: 'PRESSED', message: '' }, seen: short }, {});
    },
  };
}
