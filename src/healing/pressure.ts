import { formatSize } from '../kernel/units.ts';

/** What the machine (or the container) has, in bytes. */
export interface Room {
  memoryFree: number;
  memoryTotal: number;
  diskFree: number;
  diskTotal: number;
}

const MEMORY_SHARE = 0.05;
const DISK_SHARE = 0.02;
/** A large disk has enough at a smaller share. */
const DISK_ENOUGH = 1024 ** 3;
/** What was short is short until there is so much more: no going to and fro at the edge. */
const RELIEF = 1.5;

/** What is short, in words; null when nothing is. `before`: whether it was short at the last look. */
export function shortageOf(room: Room, before: boolean): string | null {
  const edge = before ? RELIEF : 1;
  const short: string[] = [];
  if (room.memoryFree < room.memoryTotal * MEMORY_SHARE * edge)
    short.push(`${formatSize(room.memoryFree)} of ${formatSize(room.memoryTotal)} memory are free`);
  if (room.diskFree < Math.min(room.diskTotal * DISK_SHARE, DISK_ENOUGH) * edge)
    short.push(`${formatSize(room.diskFree)} of ${formatSize(room.diskTotal)} on the disk of the store are free`);
  return short.length === 0 ? null : short.join(', ');
}
