import { GB } from '../kernel/measures.ts';
import { formatSize } from '../kernel/units.ts';

/** The memory and disk of the machine (or the container), in bytes. */
export interface MachineResources {
  memoryFree: number;
  memoryTotal: number;
  diskFree: number;
  diskTotal: number;
}

/** A resource that can be short. */
export type ScarceResource = 'memory' | 'disk';

const MEMORY_SHARE = 0.05;
const DISK_SHARE = 0.02;
/** A large disk has enough at a smaller share. */
const DISK_ENOUGH = GB;
/** A resource that was short is short until there is so much more: no going to and fro at the edge. */
const RELIEF = 1.5;

/** The shortage in words; null without one. `before`: whether it was at the last look. */
export function shortageOf(what: ScarceResource, resources: MachineResources, before: boolean): string | null {
  const edge = before ? RELIEF : 1;
  if (what === 'memory') {
    const isShort = resources.memoryFree < resources.memoryTotal * MEMORY_SHARE * edge;
    return isShort
      ? `${formatSize(resources.memoryFree)} of ${formatSize(resources.memoryTotal)} memory are free`
      : null;
  }
  const isShort = resources.diskFree < Math.min(resources.diskTotal * DISK_SHARE, DISK_ENOUGH) * edge;
  return isShort
    ? `${formatSize(resources.diskFree)} of ${formatSize(resources.diskTotal)} on the disk of the store are free`
    : null;
}

/** Of the workers that still take work, the one with the most memory; undefined when no memory is known. */
export function largestOf<W extends { is: string; memoryBytes: number | null }>(workers: readonly W[]): W | undefined {
  const [largest] = workers
    .filter(({ is, memoryBytes }) => memoryBytes !== null && (is === 'idle' || is === 'busy'))
    .sort((a, b) => b.memoryBytes! - a.memoryBytes!);
  return largest;
}
