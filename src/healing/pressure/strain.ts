import type { MachineReading, MemoryBound, Stall } from '../../kernel/cgroup.ts';
import { GB } from '../../kernel/measures.ts';
import type { PRESSED_RESOURCES } from '../../kernel/pressure-steps.ts';
import { formatSize } from '../../kernel/units.ts';
import { leastDiskFree } from '../machine-resources.ts';

/** A resource that can be short. */
export type PressedResource = (typeof PRESSED_RESOURCES)[number];

/**
 * `relieved`: well below its mark · `strained`: near it, or above it not for long, or recovering · `pressed`: above its mark for long and
 * now, and not recovering · `critical`: the same with a third of what the mark leaves, or the kernel has killed for memory.
 */
export type Strain = 'relieved' | 'strained' | 'pressed' | 'critical';

/** The marks above which a resource is pressed, of the settings `pressure.*`. */
export interface PressureMarks {
  /** The share of memory that is to be free, 0 to 1, of 1 GB at most. */
  memoryFree: number;
  /** The share of time in which tasks wait for memory, in percent: `some` presses, `full` is critical. */
  memoryStall: number;
  /** The share of time in which all tasks wait for the disk at once, in percent. */
  ioStall: number;
  /** The share of periods in which the processor quota was used up, in percent. */
  cpuThrottled: number;
}

/** A look at the machine. */
export interface PressureSample {
  /** Monotonic ms. */
  at: number;
  reading: MachineReading;
  /** The disk of the store; null: not known. */
  disk: { freeBytes: number; totalBytes: number } | null;
}

/** A figure by its mark: 1 is at the mark, more is worse. */
interface Load {
  /** High for long: the least of a window, or the kernel's average of a minute. */
  long: number;
  /** High now. */
  now: number;
  /** As it was at the begin of the window; undefined: not known. */
  before: number | undefined;
}

/** A resource at a look, and the figures behind it in words. */
export interface Pressed {
  is: Strain;
  seen: string;
}

/** Samples older than this are of no use. */
export const KEPT_MS = 60_000;
/** A level has to be above its mark for so long. */
const LEVEL_MS = 10_000;
/** The same of a critical level: a fleet that grows 100 MB a second has no ten seconds. */
const CRITICAL_MS = 2_000;
/** A figure that fell below this share of what it was ten seconds ago recovers; the `fast_fall_ratio` of oomd. */
const FALLING = 0.85;
/** A resource that was pressed is relieved below this share of its mark: no going to and fro at the edge. */
const RELIEF = 2 / 3;
/** A level is critical where a third of its mark is left. */
const CRITICAL_SHARE = 1 / 3;
/** A kernel that killed for memory leaves no doubt, for so long. */
const KILLED_MS = 5_000;
const MOST_FREE_BYTES = GB;

/** How a resource is, by its looks of the last minute, the newest last; at least one. */
export function strainOf(resource: PressedResource, samples: readonly PressureSample[], marks: PressureMarks): Pressed {
  switch (resource) {
    case 'memory':
      return memoryStrain(samples, marks);
    case 'cpu':
      return {
        is: graded([throttledLoad(samples, marks.cpuThrottled)], []),
        seen: `the processor quota was used up in ${percent(throttledShare(samples, 10_000))} of the periods of 10s`,
      };
    case 'io': {
      const stall = (of: PressureSample) => of.reading.io.stalls?.full;
      return {
        is: graded([stallLoad(samples, marks.ioStall, stall)], []),
        seen: `all tasks waited for the disk in ${percent((stall(samples.at(-1)!)?.avg10 ?? 0) / 100)} of 10s`,
      };
    }
    case 'disk':
      return diskStrain(samples);
  }
}

function memoryStrain(samples: readonly PressureSample[], marks: PressureMarks): Pressed {
  const newest = samples.at(-1)!;
  const load = (sample: PressureSample) =>
    Math.max(0, ...sample.reading.memory.bounds.map((bound) => markOf(bound, marks) / freeOf(bound)));
  const [level, critical] = [levelLoad(samples, load, LEVEL_MS), levelLoad(samples, load, CRITICAL_MS)];
  const some = stallLoad(samples, marks.memoryStall, ({ reading }) => reading.memory.stalls?.some);
  const full = stallLoad(samples, marks.memoryStall, ({ reading }) => reading.memory.stalls?.full);
  const killed = killedWithin(samples, KILLED_MS);
  const tightest = newest.reading.memory.bounds.toSorted(
    (a, b) => markOf(b, marks) / freeOf(b) - markOf(a, marks) / freeOf(a),
  )[0];
  const stall = newest.reading.memory.stalls?.some.avg10 ?? 0;
  const seen = [
    ...(tightest ? [boundWords(tightest, markOf(tightest, marks))] : []),
    ...(stall > 0 ? [`tasks waited for memory in ${percent(stall / 100)} of 10s`] : []),
    ...(killed > 0 ? [`the kernel killed ${killed} ${killed === 1 ? 'process' : 'processes'}`] : []),
  ].join('; ');
  if (killed > 0) return { is: 'critical', seen };
  return { is: graded([level, some], [scaled(critical, CRITICAL_SHARE), full]), seen };
}

function diskStrain(samples: readonly PressureSample[]): Pressed {
  const { disk } = samples.at(-1)!;
  // No step is taken because of it, and none is lifted.
  if (!disk) return { is: 'strained', seen: 'the disk of the store cannot be asked' };
  const load = (sample: PressureSample) =>
    sample.disk ? leastDiskFree(sample.disk.totalBytes) / Math.max(1, sample.disk.freeBytes) : 0;
  const critical = scaled(levelLoad(samples, load, CRITICAL_MS), CRITICAL_SHARE);
  return {
    is: graded([levelLoad(samples, load, LEVEL_MS)], [critical]),
    seen: `${formatSize(disk.freeBytes)} of ${formatSize(disk.totalBytes)} on the disk of the store are free, ${formatSize(leastDiskFree(disk.totalBytes))} are to be`,
  };
}

/** The judgement: all three conditions hold for one of the loads. */
function graded(loads: readonly Load[], critical: readonly Load[]): Strain {
  if (critical.some(isPressing)) return 'critical';
  if (loads.some(isPressing)) return 'pressed';
  return loads.every(({ now }) => now < RELIEF) ? 'relieved' : 'strained';
}

/** High for long, and high now, and not recovering. */
export function isPressing({ long, now, before }: Load): boolean {
  return long >= 1 && now >= 1 && (before === undefined || now >= before * FALLING);
}

function scaled({ long, now, before }: Load, by: number): Load {
  return { long: long * by, now: now * by, before: before === undefined ? undefined : before * by };
}

/** Of a level, which the kernel does not average: it was high at every look of the window. */
function levelLoad(samples: readonly PressureSample[], load: (of: PressureSample) => number, windowMs: number): Load {
  const now = samples.at(-1)!;
  const from = samples.findLastIndex(({ at }) => at <= now.at - windowMs);
  // Looks that do not reach back so far say nothing about how long it has been high.
  if (from === -1) return { long: 0, now: load(now), before: undefined };
  const loads = samples.slice(from).map(load);
  return { long: Math.min(...loads), now: load(now), before: loads[0]! };
}

function stallLoad(
  samples: readonly PressureSample[],
  mark: number,
  stall: (of: PressureSample) => Stall | undefined,
): Load {
  const now = samples.at(-1)!;
  const before = samples.findLast(({ at }) => at <= now.at - LEVEL_MS);
  const { avg10 = 0, avg60 = 0 } = stall(now) ?? {};
  return { long: avg60 / mark, now: avg10 / mark, before: before && (stall(before)?.avg10 ?? 0) / mark };
}

function throttledLoad(samples: readonly PressureSample[], mark: number): Load {
  const now = samples.at(-1)!;
  const earlier = samples.filter(({ at }) => at <= now.at - 10_000);
  return {
    long: (throttledShare(samples, KEPT_MS) * 100) / mark,
    now: (throttledShare(samples, 10_000) * 100) / mark,
    before: earlier.length > 1 ? (throttledShare(earlier, 10_000) * 100) / mark : undefined,
  };
}

/** Of the cgroup that was throttled most: any of them holds all below it up. 0 to 1; 0 where the looks do not reach back so far. */
function throttledShare(samples: readonly PressureSample[], windowMs: number): number {
  const now = samples.at(-1)!;
  const before = samples.findLast(({ at }) => at <= now.at - windowMs);
  if (!before) return 0;
  const shares = now.reading.cpu.quotas.map(({ periods, throttled }, at) => {
    const then = before.reading.cpu.quotas[at]!;
    return periods > then.periods ? (throttled - then.throttled) / (periods - then.periods) : 0;
  });
  return Math.max(0, ...shares);
}

function killedWithin(samples: readonly PressureSample[], windowMs: number): number {
  const now = samples.at(-1)!;
  const from = Math.max(
    0,
    samples.findLastIndex(({ at }) => at <= now.at - windowMs),
  );
  return now.reading.memory.oomKills - samples[from]!.reading.memory.oomKills;
}

const markOf = ({ limitBytes }: MemoryBound, { memoryFree }: PressureMarks) =>
  Math.min(limitBytes * memoryFree, MOST_FREE_BYTES);
const freeOf = ({ limitBytes, usedBytes }: MemoryBound) => Math.max(1, limitBytes - usedBytes);

function boundWords({ of, limitBytes, usedBytes }: MemoryBound, mark: number): string {
  const free = Math.max(0, limitBytes - usedBytes);
  return `${formatSize(free)} of ${formatSize(limitBytes)} memory of the ${of} are free, ${formatSize(mark)} are to be`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
