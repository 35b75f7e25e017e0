import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The share of a time in which tasks waited for a resource, in percent, as the kernel averages it (PSI). */
export interface Stall {
  avg10: number;
  avg60: number;
}

/** `some`: at least one task waited · `full`: all tasks that had something to do waited at once. */
interface Stalls {
  some: Stall;
  full: Stall;
}

/** A bound on memory, and how much of it is in use and cannot be given back by the kernel. */
export interface MemoryBound {
  of: 'machine' | 'cgroup';
  limitBytes: number;
  usedBytes: number;
}

/** The resources of the machine and of the cgroups of this process, as the kernel tells them. */
export interface MachineReading {
  memory: {
    /** The machine first, then each cgroup of this process with a limit, the innermost first. */
    bounds: MemoryBound[];
    /** The worse of the machine's and the cgroup's; null: the kernel does not say. */
    stalls: Stalls | null;
    /** Processes of the cgroup that the kernel has killed for memory since the cgroup began. */
    oomKills: number;
  };
  cpu: {
    /** The processors that the cgroups grant; null: all. */
    cores: number | null;
    /** For each cgroup, the innermost first: periods of its quota that have passed, and those in which it used it up and stood still; 0 without one. */
    quotas: { periods: number; throttled: number }[];
    stalls: Stalls | null;
  };
  io: { stalls: Stalls | null };
}

/** The folders of the cgroups of this process: its own first, then those above it. */
interface CgroupFolders {
  /** Version 2; empty where there is none. */
  unified: string[];
  /** Version 1. */
  memory: string[];
  cpu: string[];
}

/** Version 1 says "no limit" by a number that no machine has. */
const NO_LIMIT_BYTES = 2 ** 60;
const NO_STALL: Stall = { avg10: 0, avg60: 0 };

/**
 * Finds the cgroups of this process, of version 2, version 1 or both, and returns what reads them. A process stays in the
 * cgroups that it was in at this call. `root`: where `proc` and `sys` are, for tests. Default: `/`. Reading takes no more than
 * some ten small files of the kernel; what is missing is left out.
 */
export function openMachineReadings(root = '/'): () => MachineReading {
  const text = (...path: string[]) => readText(join(root, ...path));
  const folders = cgroupFolders(text('proc/self/cgroup') ?? '', text('proc/self/mountinfo') ?? '');
  return () => {
    const own = folders.unified[0];
    const stallsOf = (resource: 'memory' | 'cpu' | 'io') =>
      worse(
        parseStalls(text('proc/pressure', resource)),
        own === undefined ? null : parseStalls(text(own, `${resource}.pressure`)),
      );
    return {
      memory: {
        bounds: memoryBounds(folders, text),
        stalls: stallsOf('memory'),
        oomKills: oomKills(folders, text),
      },
      cpu: { ...cpuQuota(folders, text), stalls: stallsOf('cpu') },
      io: { stalls: stallsOf('io') },
    };
  };
}

/**
 * Returns what counts the processes that the kernel has killed for memory: of the cgroups of this process, and of the whole machine,
 * which counts the former once more. Two small files; 0 where the kernel does not say. `root`: see {@link openMachineReadings}.
 */
export function openMemoryKills(root = '/'): () => number {
  const text = (...path: string[]) => readText(join(root, ...path));
  const folders = cgroupFolders(text('proc/self/cgroup') ?? '', text('proc/self/mountinfo') ?? '');
  return () => oomKills(folders, text) + fieldOf(text('proc/vmstat') ?? '', 'oom_kill');
}

type ReadText = (...path: string[]) => string | undefined;

/** From the texts of /proc/self/cgroup and /proc/self/mountinfo. */
export function cgroupFolders(cgroup: string, mountinfo: string): CgroupFolders {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const [type, , options = ''] = after?.split(' ') ?? [];
    const [, , , mountRoot, point] = before!.split(' ');
    return type?.startsWith('cgroup')
      ? [{ type, options: options.split(','), mountRoot: mountRoot!, point: point! }]
      : [];
  });
  const foldersOf = (path: string | undefined, mount: (typeof mounts)[number] | undefined) =>
    path === undefined || !mount ? [] : upwards(path, mount);
  const pathIn = (controller: string) =>
    new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(/.*)$`, 'm').exec(cgroup)?.[1];
  const mountOf = (controller: string) =>
    mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
  return {
    unified: foldersOf(
      /^0::(\/.*)$/m.exec(cgroup)?.[1],
      mounts.find(({ type }) => type === 'cgroup2'),
    ),
    memory: foldersOf(pathIn('memory'), mountOf('memory')),
    cpu: foldersOf(pathIn('cpu'), mountOf('cpu')),
  };
}

/** The folder of the path and those above it. A container sees a part of the tree: `mountRoot` is what its mount shows. */
function upwards(path: string, { mountRoot, point }: { mountRoot: string; point: string }): string[] {
  const isBelow = path === mountRoot || path.startsWith(mountRoot === '/' ? '/' : `${mountRoot}/`);
  const inside = isBelow ? path.slice(mountRoot === '/' ? 0 : mountRoot.length) : '';
  const names = inside.split('/').filter((name) => name !== '' && name !== '..');
  return [...names.map((_, at) => join(point, ...names.slice(0, names.length - at))), point];
}

function memoryBounds({ unified, memory }: CgroupFolders, text: ReadText): MemoryBound[] {
  const meminfo = text('proc/meminfo') ?? '';
  const total = fieldOf(meminfo, 'MemTotal:') * 1024;
  const machine: MemoryBound[] =
    total > 0
      ? [{ of: 'machine', limitBytes: total, usedBytes: total - fieldOf(meminfo, 'MemAvailable:') * 1024 }]
      : [];
  /** The working set, as the kubelet counts it: files that nobody has read of late are given back before anything else. */
  function bound(folder: string, limitBytes: number, [file, inactive]: [string, string]): MemoryBound[] {
    if (limitBytes >= (total || NO_LIMIT_BYTES)) return [];
    const used = Number(text(folder, file) ?? 0);
    const usedBytes = Math.max(0, used - fieldOf(text(folder, 'memory.stat') ?? '', inactive));
    return [{ of: 'cgroup', limitBytes, usedBytes }];
  }
  return [
    ...machine,
    ...unified.flatMap((folder) => {
      const limits = ['memory.max', 'memory.high'].map((file) => limitOf(text(folder, file)));
      return bound(folder, Math.min(...limits), ['memory.current', 'inactive_file']);
    }),
    ...memory.flatMap((folder) => {
      const limit = limitOf(text(folder, 'memory.limit_in_bytes'));
      return bound(folder, limit, ['memory.usage_in_bytes', 'total_inactive_file']);
    }),
  ];
}

function oomKills({ unified: [unified], memory: [memory] }: CgroupFolders, text: ReadText): number {
  return (
    (unified === undefined ? 0 : fieldOf(text(unified, 'memory.events') ?? '', 'oom_kill')) +
    (memory === undefined ? 0 : fieldOf(text(memory, 'memory.oom_control') ?? '', 'oom_kill'))
  );
}

function cpuQuota({ unified, cpu }: CgroupFolders, text: ReadText) {
  const granted = [
    ...unified.map((folder) => (text(folder, 'cpu.max') ?? 'max').split(' ').map(Number)),
    ...cpu.map((folder) => ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((file) => Number(text(folder, file) ?? -1))),
  ].flatMap(([quota = -1, period = 0]) => (quota > 0 && period > 0 ? [quota / period] : []));
  const quotas = [...unified, ...cpu].map((folder) => {
    const stat = text(folder, 'cpu.stat') ?? '';
    return { periods: fieldOf(stat, 'nr_periods'), throttled: fieldOf(stat, 'nr_throttled') };
  });
  return {
    cores: granted.length > 0 ? Math.min(...granted) : null,
    quotas,
  };
}

/** The stalls of a `*.pressure` file; null when the text is none. Kernels before 5.13 have no line `full` for processors. */
export function parseStalls(text: string | undefined): Stalls | null {
  const line = (kind: string): Stall | undefined => {
    const found = new RegExp(`^${kind} avg10=([\\d.]+) avg60=([\\d.]+)`, 'm').exec(text ?? '');
    return found ? { avg10: Number(found[1]), avg60: Number(found[2]) } : undefined;
  };
  const some = line('some');
  return some ? { some, full: line('full') ?? NO_STALL } : null;
}

function worse(a: Stalls | null, b: Stalls | null): Stalls | null {
  if (!a || !b) return a ?? b;
  const most = (kind: keyof Stalls) => ({
    avg10: Math.max(a[kind].avg10, b[kind].avg10),
    avg60: Math.max(a[kind].avg60, b[kind].avg60),
  });
  return { some: most('some'), full: most('full') };
}

function limitOf(text: string | undefined): number {
  const limit = text === undefined || text.startsWith('max') ? Number.POSITIVE_INFINITY : Number(text);
  return limit < NO_LIMIT_BYTES ? limit : Number.POSITIVE_INFINITY;
}

/** The number after a name at the begin of a line; 0 without one. */
function fieldOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
