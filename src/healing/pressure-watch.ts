import type { Time } from '../kernel/time.ts';
import { newestWith, type OpenIncidents } from './open-incidents.ts';
import { type MachineResources, type ScarceResource, shortageOf } from './pressure.ts';
import type { Signals } from './signals.ts';

/** Sees that the machine runs short of memory or disk, and that it does no more. */
export interface PressureWatch {
  /**
   * Looks once. A resource that is short at two looks in a row is reported, then again each minute: the next remedy
   * follows.
   */
  look(): Promise<void>;
  /** Since when (epoch ms) memory is short, so that nothing is to grow; undefined: it is not. */
  shortageSince(): number | undefined;
  /** Jobs below it wait, because memory is short and it did not help that idle workers went; undefined: none has to. */
  leastPriority(): number | undefined;
}

export interface PressureWatchNeeds extends Pick<Signals, 'notice' | 'heal'> {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'of'>;
  /** The memory and disk that the machine has left. */
  resources(): Promise<MachineResources>;
  /** Memory has become short, or is no more. */
  changed(): void;
}

const AGAIN_AFTER_MS = 60_000;
const REPORTED_AS = {
  memory: { verdict: 'pressed', code: 'PRESSED' },
  disk: { verdict: 'disk-short', code: 'DISK_SHORT' },
} as const;

export function createPressureWatch({
  time,
  openIncidents,
  resources,
  notice,
  heal,
  changed,
}: PressureWatchNeeds): PressureWatch {
  /** At how many looks in a row. */
  const seen: Record<ScarceResource, number> = { memory: 0, disk: 0 };
  let since: number | undefined;

  function evaluate(what: ScarceResource, now: MachineResources) {
    const short = shortageOf(what, now, seen[what] > 0);
    const before = seen[what];
    seen[what] = short === null ? 0 : before + 1;
    const { verdict, code } = REPORTED_AS[what];
    const one = newestWith(openIncidents.of(null), verdict);
    if (short === null && one) heal(one, 'there is room again');
    if (what === 'memory' && before >= 2 !== seen.memory >= 2) {
      since = seen.memory >= 2 ? time.now() : undefined;
      changed();
    }
    if (short === null || seen[what] < 2 || (one && time.now() - one.lastAt < AGAIN_AFTER_MS)) return;
    notice({ agent: null, verdict, because: { code, message: '' }, seen: short }, {});
  }

  return {
    shortageSince: () => since,
    leastPriority() {
      const remedies = newestWith(openIncidents.of(null), 'pressed')?.incident.remedies;
      return remedies?.some(({ kind }) => kind === 'defer') ? 0 : undefined;
    },
    async look() {
      const now = await resources();
      evaluate('memory', now);
      evaluate('disk', now);
    },
  };
}
