import { type ProcessStat, pidsNow, readStat, readVariable } from '../../../kernel/proc.ts';
import { type ChildRecord, ENV_TAG } from '../wire.ts';

/** A living process with the mark of its environment. */
export interface Process extends Omit<ProcessStat, 'isZombie'> {
  /** The mark in the environment; null when there is none that can be read. */
  mark: string | null;
}

/** The facts about a command by which its processes are found. */
interface GroupMark {
  root: { pid: number; start: number };
  mark: string;
  /** `pid:start` of those that were seen before. */
  known: ReadonlySet<string>;
  /** Pids in its cgroup. */
  inCgroup: ReadonlySet<number>;
}

export const processName = ({ pid, start }: { pid: number; start: number }) => `${pid}:${start}`;

/**
 * The processes of a command: those that are it, carry its mark, were seen to be its own before or are in its cgroup; and
 * whatever descends from them or is in their session. A command starts in a session of its own and nothing can enter
 * another's session, so a session of a member holds members only; `outside` is the broker's own, which never counts.
 */
export function membersOf(processes: readonly Process[], commandGroup: GroupMark, outside: number): Process[] {
  return closure(
    processes.filter(
      (one) =>
        (one.pid === commandGroup.root.pid && one.start === commandGroup.root.start) ||
        one.mark === commandGroup.mark ||
        commandGroup.known.has(processName(one)) ||
        commandGroup.inCgroup.has(one.pid),
    ),
    processes,
    outside,
  );
}

/**
 * The processes that an earlier broker left: a recorded process counts only when pid, start and mark all match, so that a stranger
 * with a used pid is never touched; a process that carries a mark of the installation was started by it. `spared`: the caller and
 * the processes that it descends from.
 */
export function leftoversOf(
  processes: readonly Process[],
  records: readonly ChildRecord[],
  terms: { installation: string; outside: number; spared: ReadonlySet<number> },
): Process[] {
  const names = new Map(records.map((record) => [processName(record), record.mark]));
  const seeds = processes.filter(
    (one) =>
      one.mark !== null && (names.get(processName(one)) === one.mark || one.mark.startsWith(`${terms.installation}:`)),
  );
  const allowed = processes.filter(({ pid }) => !terms.spared.has(pid));
  return closure(
    seeds.filter(({ pid }) => !terms.spared.has(pid)),
    allowed,
    terms.outside,
  );
}

/** `pid` and those that it descends from. */
export function lineOf(processes: readonly Process[], pid: number): Set<number> {
  const parents = new Map(processes.map((one) => [one.pid, one.parent]));
  const line = new Set<number>();
  for (let at: number | undefined = pid; at && !line.has(at); at = parents.get(at)) line.add(at);
  return line;
}

function closure(seeds: readonly Process[], processes: readonly Process[], outside: number): Process[] {
  const found = new Map<number, Process>();
  const sessions = new Set<number>();
  const add = (one: Process) => {
    found.set(one.pid, one);
    if (one.session !== outside && one.session > 1) sessions.add(one.session);
  };
  seeds.forEach(add);
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const one of processes) {
      if (!found.has(one.pid) && (found.has(one.parent) || sessions.has(one.session))) add(one);
    }
  }
  return [...found.values()];
}

/** Reads /proc, which never waits for a disk; a machine without /proc shows no processes. */
interface ProcessTable {
  /** The processes of the machine but zombies. */
  look(): Process[];
  /** Children of a process that had ended at the last look, and whose ends nobody had asked for. */
  endedChildrenOf(parent: number): number[];
}

/** KThreadd, which all threads of the kernel descend from. */
const KERNEL = 2;

export function createProcessTable(): ProcessTable {
  /** Marks are inherited or set as a process starts: each one is read once. */
  let marks = new Map<string, string | null>();
  let ended: ProcessStat[] = [];

  return {
    look() {
      const processes: Process[] = [];
      const seen = new Map<string, string | null>();
      ended = [];
      for (const pid of pidsNow()) {
        const stat = readStat(pid);
        if (stat?.isZombie) ended.push(stat);
        if (!stat || stat.isZombie) continue;
        const { isZombie: _, ...facts } = stat;
        const name = processName(facts);
        const mark = marks.get(name) ?? (marks.has(name) ? null : readMark(facts));
        // The mark is undefined while it cannot be read yet, as in the instant of an exec.
        if (mark !== undefined) seen.set(name, mark);
        processes.push({ ...facts, mark: mark ?? null });
      }
      marks = seen;
      return processes;
    },
    endedChildrenOf: (parent) => ended.flatMap((one) => (one.parent === parent ? [one.pid] : [])),
  };
}

function readMark({ pid, parent }: { pid: number; parent: number }): string | null | undefined {
  return pid === KERNEL || parent === KERNEL ? null : readVariable(pid, ENV_TAG);
}
