import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupFolders } from '../src/kernel/cgroup.ts';

/** A cgroup below that of this process, with a limit on memory, for processes that a test starts. */
export interface MemoryCgroup {
  version: 1 | 2;
  /** Moves a process; those that it starts afterwards begin in the cgroup. */
  take(pid: number): void;
  usedBytes(): number;
  /** The most that was ever in use. */
  peakBytes(): number;
  /** Processes that the kernel killed in it for memory. */
  kills(): number;
  /** Lines of its `memory.pressure`; empty where the kernel does not say. */
  stalls(): string;
  /** Removes the cgroup, when its processes have ended. */
  leave(): void;
}

let made = 0;

/**
 * Makes a cgroup; throws the system's own error where this process may not. Where memory is of version 1, the stalls come from
 * a cgroup of version 2 beside it, if there is a tree of that version.
 */
export function memoryCgroup(limitBytes: number): MemoryCgroup {
  const { memory, unified } = cgroupFolders(
    readFileSync('/proc/self/cgroup', 'utf8'),
    readFileSync('/proc/self/mountinfo', 'utf8'),
  );
  const name = `daruma-test-${process.pid}-${++made}`;
  const own = memory[0] ?? unified[0];
  if (own === undefined) throw new Error('there is no cgroup of memory');
  const version = memory[0] === undefined ? 2 : 1;
  const folder = join(own, name);
  const beside = version === 1 && unified[0] !== undefined ? join(unified[0], name) : undefined;
  const folders = [folder, ...(beside ? [beside] : [])];
  for (const one of folders) mkdirSync(one);
  const read = (of: string, file: string) => readFileSync(join(of, file), 'utf8');
  const leave = () => {
    for (const one of folders) rmdirSync(one);
  };
  try {
    writeFileSync(join(folder, version === 1 ? 'memory.limit_in_bytes' : 'memory.max'), String(limitBytes));
  } catch (thrown) {
    leave();
    throw thrown;
  }
  return {
    version,
    take(pid) {
      for (const one of folders) writeFileSync(join(one, 'cgroup.procs'), String(pid));
    },
    usedBytes: () => Number(read(folder, version === 1 ? 'memory.usage_in_bytes' : 'memory.current')),
    peakBytes: () => Number(read(folder, version === 1 ? 'memory.max_usage_in_bytes' : 'memory.peak')),
    kills: () =>
      Number(/^oom_kill (\d+)/m.exec(read(folder, version === 1 ? 'memory.oom_control' : 'memory.events'))?.[1]),
    stalls() {
      try {
        return read(beside ?? folder, 'memory.pressure').trim();
      } catch {
        return '';
      }
    },
    leave,
  };
}
