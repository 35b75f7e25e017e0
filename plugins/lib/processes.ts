import { readdir, readFile } from 'node:fs/promises';

/** A process of the machine. Ids are used again after their end; id and start together name one process for ever. */
export interface Process {
  pid: number;
  /** Ticks between the boot and its start. */
  start: number;
  parent: number;
  /** The process group: its leader's id, also after the leader has ended. */
  group: number;
  /** Its arguments, with spaces between them. */
  command: string;
}

/** All processes that are there now, without those that have ended and wait for their parents. Linux; throws where there is no /proc. */
export async function allProcesses(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(Number).map(readProcess));
  return found.filter((one) => one !== null);
}

/** The process that has the id now; null: there is none. */
export async function readProcess(pid: number): Promise<Process | null> {
  const [stat, words] = await Promise.all([textOf(`/proc/${pid}/stat`), textOf(`/proc/${pid}/cmdline`)]);
  // The name in brackets may hold anything, brackets and spaces included.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (stat === '' || fields[0] === 'Z' || fields[0] === 'X') return null;
  const [parent, group, start] = [fields[1], fields[2], fields[19]].map(Number);
  return { pid, start: start!, parent: parent!, group: group!, command: words.replaceAll('\0', ' ').trim() };
}

/** Memory that is the process's own, in RAM and swapped out, in bytes; shared files such as program code do not count. */
export async function ownBytes({ pid }: Process): Promise<number> {
  const status = await textOf(`/proc/${pid}/status`);
  const parts = [...status.matchAll(/^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$/gm)];
  return parts.reduce((sum, [, kb]) => sum + Number(kb) * 1024, 0);
}

/** The roots with everything that they started: children of children, and whoever is in the process group that a root leads. */
export function treeOf(roots: readonly Process[], all: readonly Process[]): Process[] {
  const inside = new Map(roots.map((one) => [one.pid, one]));
  const groups = new Set(roots.filter(({ pid, group }) => pid === group).map(({ group }) => group));
  for (let grew = true; grew; ) {
    const more = all.filter((one) => !inside.has(one.pid) && (inside.has(one.parent) || groups.has(one.group)));
    for (const one of more) inside.set(one.pid, one);
    grew = more.length > 0;
  }
  return [...inside.values()];
}

/** Empty for a process that has ended meanwhile. */
const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
