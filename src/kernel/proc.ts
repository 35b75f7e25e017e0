import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process, as /proc describes it. */
export interface ProcessStat {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** Ticks between boot and the start of the process. Together with the pid it names a process: pids alone are reused. */
  start: number;
  /** The process has ended, and its parent has not asked for its end yet. */
  isZombie: boolean;
}

/** A thread of this process. */
interface ThreadStat {
  /** `R` runs, `S` sleeps, `D` waits for a device, … */
  state: string;
  /** CPU time so far, in steps of 10 ms. */
  cpuMs: number;
  /** Where in the kernel it waits: `futex_do_wait`, `do_epoll_wait`; empty when it runs or the system does not say. */
  waitsIn: string;
}

const MS_PER_TICK = 10;
/** The limit of open files where the system does not say. */
const FILES_GUESSED = 1_024;

/** All processes, zombies included; empty where there is no /proc. */
export function pidsNow(): number[] {
  return namesIn('/proc').map(Number).filter(Number.isInteger);
}

/** The facts of a process; undefined when it is gone, or where there is no /proc. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`, 'latin1');
  return text === undefined ? undefined : parseStat(text);
}

/** `R` runs or could, `S` and `D` wait, `Z` has ended (proc_pid_stat(5)); undefined when the process is gone, or where there is no /proc. */
export function processState(pid: number): string | undefined {
  return fieldsOf(readText(`/proc/${pid}/stat`, 'latin1') ?? '')[0];
}

/** The line of /proc/<pid>/stat; undefined when the text is none. */
export function parseStat(text: string): ProcessStat | undefined {
  const rest = fieldsOf(text);
  const pid = Number.parseInt(text, 10);
  const [parent, group, session, start] = [rest[1], rest[2], rest[3], rest[19]].map(Number);
  if (!Number.isInteger(pid) || !Number.isInteger(start)) return undefined;
  return {
    pid,
    parent: parent!,
    group: group!,
    session: session!,
    start: start!,
    isZombie: rest[0] === 'Z' || rest[0] === 'X',
  };
}

/** Bytes that a process has read and written since its start, of files and pipes together; undefined when it is gone, or where there is no /proc. */
export function movedBytes(pid: number): number | undefined {
  const text = readText(`/proc/${pid}/io`, 'latin1');
  if (text === undefined) return undefined;
  return [/^rchar: (\d+)/m, /^wchar: (\d+)/m].reduce((sum, line) => sum + Number(line.exec(text)?.[1] ?? 0), 0);
}

/** Processor time of the children of this process that have ended, with all that they waited for, in ms in steps of 10; 0 where there is no /proc. */
export function endedChildrenCpuMs(): number {
  const fields = fieldsOf(readText('/proc/self/stat', 'latin1') ?? '');
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * MS_PER_TICK;
}

/** Name and resident memory of a process, for people and limits; undefined when it is gone. */
export function readProcessSize(pid: number): { command: string; rssBytes: number } | undefined {
  const text = readText(`/proc/${pid}/status`);
  if (text === undefined) return undefined;
  const rss = /^VmRSS:\s+(\d+) kB/m.exec(text);
  return { command: /^Name:\s+(.*)$/m.exec(text)?.[1] ?? '?', rssBytes: rss ? Number(rss[1]) * 1024 : 0 };
}

/** The arguments of a process, each ended by a zero byte; undefined when it is gone. */
export function readArguments(pid: number): string | undefined {
  return readText(`/proc/${pid}/cmdline`);
}

/**
 * A variable of the environment that a process was started with; null when there is no such variable or the process
 * may not be read, undefined when the environment is not there yet, as in the instant of an exec.
 */
export function readVariable(pid: number, name: string): string | null | undefined {
  const text = readText(`/proc/${pid}/environ`, 'latin1');
  if (text === undefined) return null;
  if (text === '') return undefined;
  const at = `\0${text}`.indexOf(`\0${name}=`);
  if (at < 0) return null;
  const from = at + name.length + 1;
  const end = text.indexOf('\0', from);
  return text.slice(from, end < 0 ? undefined : end);
}

/** Links to the files that a process has open; empty when they may not be seen. */
export function openFileLinks(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
}

/** Whether a process of this user has closed its `/proc` entries (`PR_SET_DUMPABLE` 0), as hosts do. Only root may look. */
export function isShutProcess(pid: number): boolean {
  const user = /^Uid:\s+(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  if (user === undefined || Number(user) !== process.getuid?.()) return false;
  try {
    readdirSync(`/proc/${pid}/fd`);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/** The path, as of now, of a file or folder that this process has open; undefined when the system does not say. */
export function pathOfOpenFile(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** The name of this boot of the machine; undefined where there is no /proc. */
export function bootId(): string | undefined {
  return readText('/proc/sys/kernel/random/boot_id')?.trim();
}

/** The share of the last minute in which some process waited for a resource, in percent (PSI); none where the kernel does not say. */
export function machinePressure(): { cpu?: number; memory?: number; io?: number } {
  const shares = (['cpu', 'memory', 'io'] as const).flatMap((resource) => {
    const share = /^some .*avg60=([\d.]+)/m.exec(readText(`/proc/pressure/${resource}`) ?? '')?.[1];
    return share === undefined ? [] : [[resource, Number(share)] as const];
  });
  return Object.fromEntries(shares);
}

/** How many files this process may have open: Node takes all that the system grants at most, and a child inherits it. */
export function mostFiles(): number {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readText('/proc/self/limits') ?? '')?.[1];
  return hard ? Number(hard) : FILES_GUESSED;
}

/** How many files this process has open; null where the system does not say, `most` when no descriptor is left to ask with. */
export function openFiles(most: number): number | null {
  try {
    // Reading the folder opens one as well.
    return readdirSync('/proc/self/fd').length - 1;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EMFILE' ? most : null;
  }
}

/** The folder of the cgroup (v2) that this process is in; undefined where there is none. */
export function ownCgroup(): string | undefined {
  const path = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup') ?? '')?.[1];
  const mount = readText('/proc/self/mountinfo')
    ?.split('\n')
    .find((line) => / - cgroup2 /.test(line))
    ?.split(' ')[4];
  return path && mount ? join(mount, path) : undefined;
}

/** The file systems that are mounted (proc_pid_mountinfo(5)); empty where there is no /proc. */
export function mountsOfMachine(): string {
  return readText('/proc/self/mountinfo') ?? '';
}

/** The thread of this process with a name: threads carry the one that their worker was started with. */
export function threadIdOf(name: string): string | undefined {
  return namesIn('/proc/self/task').find((tid) => readText(`/proc/self/task/${tid}/comm`)?.trimEnd() === name);
}

/** Answers whatever the thread does; undefined when it has ended. */
export function threadStat(tid: string): ThreadStat | undefined {
  const fields = fieldsOf(readText(`/proc/self/task/${tid}/stat`) ?? '');
  if (fields.length < 13) return undefined;
  const waitsIn = readText(`/proc/self/task/${tid}/wchan`) ?? '';
  return {
    state: fields[0]!,
    cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
    waitsIn: waitsIn === '0' ? '' : waitsIn,
  };
}

/** The name of the thread that writes the store. */
export const STORE_WRITER = 'store writer';

/**
 * Whether the event loop of a host, or the thread of its store, stands in the kernel until a device answers (state D of
 * proc(5): a disk, a network file system, a page of swap). No signal ends such a thread before, and a new process would
 * stand in the same place. False when the process is gone, or where there is no /proc.
 */
export function waitsForDevice(pid: number): boolean {
  return namesIn(`/proc/${pid}/task`).some((tid) => {
    const text = readText(`/proc/${pid}/task/${tid}/stat`, 'latin1') ?? '';
    if (fieldsOf(text)[0] !== 'D') return false;
    return Number(tid) === pid || text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')) === STORE_WRITER;
  });
}

/** Processes that the thread started, and those below them. */
export function processesBelow(tid: string): number[] {
  return treeBelow(`/proc/self/task/${tid}/children`);
}

function treeBelow(file: string): number[] {
  const pids = (readText(file) ?? '').split(' ').filter(Boolean).map(Number);
  return pids.flatMap((pid) => [pid, ...treeBelow(`/proc/${pid}/task/${pid}/children`)]);
}

/** The fields of a line of `stat` after the name, which is in brackets and may hold anything; empty for another text. */
function fieldsOf(stat: string): string[] {
  const end = stat.lastIndexOf(')');
  return end < 0 ? [] : stat.slice(end + 2).split(' ');
}

/** The names in a folder; none where it cannot be read. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Of `stat` and `environ`, which are read for every process at once, only the ASCII matters: latin1 is read faster. */
function readText(file: string, encoding: 'utf8' | 'latin1' = 'utf8'): string | undefined {
  try {
    return readFileSync(file, encoding);
  } catch {
    return undefined;
  }
}

/**
 * By how much a process is a better victim than the host when the kernel runs out of memory, in thousandths of the memory
 * that there is; by size alone it might take the host, and every agent with it. `uncritical`: on top of `cell`, unless the cell
 * is that of a critical agent.
 */
export const OOM_SCORES = {
  broker: 100,
  cell: 200,
  uncritical: 100,
  builder: 200,
  command: 300,
  web: 300,
  models: 250,
} as const;

const FILE = '/proc/self/oom_score_adj';
const MOST = 1_000;

/**
 * Offers this process, and what it will start, to the kernel before the one that started it. Does nothing elsewhere
 * than on Linux.
 */
export function raiseOomScore(by: number): void {
  try {
    // The value that was set from outside (a user's systemd, a container) stays the base.
    writeFileSync(FILE, String(Math.min(MOST, Number(readFileSync(FILE, 'utf8')) + by)));
  } catch {
    // The choice is the kernel's own, then.
  }
}
