import { readdirSync, readFileSync } from 'node:fs';
import { MARK_NAME } from '../wire.ts';
import { nameOf, type Process } from './members.ts';

/** Reads /proc. Nothing in it waits for a disk; where there is no /proc, nobody is seen. */
export interface Census {
  /** All processes but zombies. */
  look(): Process[];
}

/** KThreadd, which all threads of the kernel descend from. */
const KERNEL = 2;

export function createCensus(): Census {
  /** Marks are inherited or set as a process starts: each one is read once. */
  let marks = new Map<string, string | null>();

  return {
    look() {
      const processes: Process[] = [];
      const seen = new Map<string, string | null>();
      for (const pid of pidsNow()) {
        const stat = readStat(pid);
        if (!stat || stat.isZombie) continue;
        const { isZombie: _, ...facts } = stat;
        const name = nameOf(facts);
        const mark = marks.get(name) ?? (marks.has(name) ? null : readMark(facts));
        // undefined: not to be told yet, as in the instant of an exec.
        if (mark !== undefined) seen.set(name, mark);
        processes.push({ ...facts, mark: mark ?? null });
      }
      marks = seen;
      return processes;
    },
  };
}

/** The facts of one process; undefined when it is gone. */
export function readStat(pid: number): (Omit<Process, 'mark'> & { isZombie: boolean }) | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** The line of /proc/<pid>/stat. The name in it can hold anything, brackets and blanks included. */
export function parseStat(text: string): (Omit<Process, 'mark'> & { isZombie: boolean }) | undefined {
  const end = text.lastIndexOf(')');
  const rest = text.slice(end + 2).split(' ');
  const pid = Number.parseInt(text, 10);
  const [parent, group, session, start] = [rest[1], rest[2], rest[3], rest[19]].map(Number);
  if (end < 0 || !Number.isInteger(pid) || !Number.isInteger(start)) return undefined;
  return {
    pid,
    parent: parent!,
    group: group!,
    session: session!,
    start: start!,
    isZombie: rest[0] === 'Z' || rest[0] === 'X',
  };
}

/** Name and resident memory, for people and limits; undefined when it is gone. */
export function readSize(pid: number): { command: string; rssBytes: number } | undefined {
  const text = readText(`/proc/${pid}/status`);
  if (text === undefined) return undefined;
  const rss = /^VmRSS:\s+(\d+) kB/m.exec(text);
  return { command: /^Name:\s+(.*)$/m.exec(text)?.[1] ?? '?', rssBytes: rss ? Number(rss[1]) * 1024 : 0 };
}

function readMark({ pid, parent }: { pid: number; parent: number }): string | null | undefined {
  if (pid === KERNEL || parent === KERNEL) return null;
  const text = readText(`/proc/${pid}/environ`);
  if (text === undefined) return null;
  if (text === '') return undefined;
  const at = `\0${text}`.indexOf(`\0${MARK_NAME}=`);
  if (at < 0) return null;
  const from = at + MARK_NAME.length + 1;
  const end = text.indexOf('\0', from);
  return text.slice(from, end < 0 ? undefined : end);
}

function pidsNow(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
