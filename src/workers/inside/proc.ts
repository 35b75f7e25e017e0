import { readdirSync, readFileSync } from 'node:fs';

/** What Linux says of one thread of this process. */
export interface ThreadStat {
  /** `R` runs, `S` sleeps, `D` waits for a device, … */
  state: string;
  /** CPU time so far, in steps of 10 ms. */
  cpuMs: number;
  /** Where in the kernel it waits: `futex_do_wait`, `do_epoll_wait`; empty when it runs or nobody may know. */
  waitsIn: string;
}

const MS_PER_TICK = 10;

/** Threads carry the name that their worker was started with. undefined where there is no /proc. */
export function threadIdOf(name: string): string | undefined {
  try {
    return readdirSync('/proc/self/task').find((tid) => read(`/proc/self/task/${tid}/comm`)?.trimEnd() === name);
  } catch {
    return undefined;
  }
}

/** Answers whatever the thread does; undefined when it has ended. */
export function threadStat(tid: string): ThreadStat | undefined {
  const stat = read(`/proc/self/task/${tid}/stat`);
  // The name, in brackets, may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (!fields || fields.length < 13) return undefined;
  const waitsIn = read(`/proc/self/task/${tid}/wchan`) ?? '';
  return {
    state: fields[0]!,
    cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
    waitsIn: waitsIn === '0' ? '' : waitsIn,
  };
}

/** Processes that the thread started, and those below them. */
export function processesBelow(tid: string): number[] {
  return treeBelow(`/proc/self/task/${tid}/children`);
}

/** Whether it runs. A zombie does not: it is reaped soon. */
export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== undefined && !/^\d+ \(.*\) Z/s.test(stat);
}

function treeBelow(file: string): number[] {
  const pids = (read(file) ?? '').split(' ').filter(Boolean).map(Number);
  return pids.flatMap((pid) => [pid, ...treeBelow(`/proc/${pid}/task/${pid}/children`)]);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
