import { GB } from '../kernel/measures.ts';
import { formatSize } from '../kernel/units.ts';

/** The memory and disk of the machine (or the container), in bytes. */
export interface MachineResources {
  memoryFree: number;
  memoryTotal: number;
  diskFree: number;
  diskTotal: number;
}

const DISK_SHARE = 0.02;
/** A large disk has enough at a smaller share. */
const DISK_ENOUGH = GB;
/** A disk that was short is short until there is so much more: no going to and fro at the edge. */
const RELIEF = 1.5;

/** How much of a disk of that size is to be free, in bytes. */
export const leastDiskFree = (total: number): number => Math.min(total * DISK_SHARE, DISK_ENOUGH);

/** The shortage of disk in words; null without one. `before`: whether it was at the last look. */
export function diskShortage(
  { diskFree, diskTotal }: Pick<MachineResources, 'diskFree' | 'diskTotal'>,
  before: boolean,
): string | null {
  if (diskFree >= leastDiskFree(diskTotal) * (before ? RELIEF : 1)) return null;
  return `${formatSize(diskFree)} of ${formatSize(diskTotal)} on the disk of the store are free`;
}
