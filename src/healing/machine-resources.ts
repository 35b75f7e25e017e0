import { GB } from '../kernel/measures.ts';

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

/** How much of a disk of that size is to be free, in bytes. */
export const leastDiskFree = (total: number): number => Math.min(total * DISK_SHARE, DISK_ENOUGH);
