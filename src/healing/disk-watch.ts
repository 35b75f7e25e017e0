import type { Time } from '../kernel/time.ts';
import { formatSize } from '../kernel/units.ts';
import { leastDiskFree, type MachineResources } from './machine-resources.ts';
import { newestWith, type OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';

/** A disk that was short is short until there is so much more: no going to and fro at the edge. */
const RELIEF = 1.5;

/** Sees that the disk of the store runs short, and that it does no more. */
interface DiskWatch {
  /** Looks once. A disk that is short at two looks in a row is reported, then again each minute: the next remedy follows. */
  look(): Promise<void>;
}

export interface DiskWatchNeeds extends Pick<Signals, 'notice' | 'heal'> {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'of'>;
  /** The disk of the store. */
  disk(): Promise<Pick<MachineResources, 'diskFree' | 'diskTotal'>>;
}

const AGAIN_AFTER_MS = 60_000;

export function createDiskWatch({ time, openIncidents, disk, notice, heal }: DiskWatchNeeds): DiskWatch {
  /** At how many looks in a row. */
  let times = 0;
  return {
    async look() {
      const short = diskShortage(await disk(), times > 0);
      times = short === null ? 0 : times + 1;
      const one = newestWith(openIncidents.of(null), 'disk-short');
      if (short === null && one) heal(one, 'there is room again');
      if (short === null || times < 2 || (one && time.now() - one.lastAt < AGAIN_AFTER_MS)) return;
      notice({ agent: null, verdict: 'disk-short', because: { code: 'DISK_SHORT', message: '' }, seen: short }, {});
    },
  };
}

/** The shortage of disk in words; null without one. `before`: whether it was at the last look. */
function diskShortage(
  { diskFree, diskTotal }: Pick<MachineResources, 'diskFree' | 'diskTotal'>,
  before: boolean,
): string | null {
  if (diskFree >= leastDiskFree(diskTotal) * (before ? RELIEF : 1)) return null;
  return `${formatSize(diskFree)} of ${formatSize(diskTotal)} on the disk of the store are free`;
}
