import { reapChildren } from '../../../fence/status.ts';
import { endedChildrenCpuMs, readProcessSize, readStat } from '../../../kernel/proc.ts';
import { machineTime } from '../../../kernel/time.ts';
import { type BrokerOrder, type BrokerTerms, type FromBroker, MOST_READINGS, type StopWhy } from '../wire.ts';
import type { Cgroups } from './cgroup.ts';
import { type CommandGroup, createCommandGroup, LOOK_CLOSELY_MS, LOOK_EVERY_MS } from './command-group.ts';
import { createOrphans } from './orphans.ts';
import { createProcessTable, type Process, processName } from './process-table.ts';
import { send, sendToGroup } from './termination.ts';

/** Commands with all that they start. The last message about a command is `gone`: no process of it is left. */
export interface CommandGroups {
  run(mark: string, order: BrokerOrder): void;
  open(mark: string): void;
  stop(mark: string, why: StopWhy): void;
  /** Kills everything without grace and returns when nothing is left, at most after `withinMs`. Blocks meanwhile. */
  killAll(withinMs: number): void;
}

export function createCommandGroups(
  { graceMs }: Pick<BrokerTerms, 'graceMs'>,
  cgroups: Cgroups | undefined,
  say: (message: FromBroker) => void,
): CommandGroups {
  const groups = new Map<string, CommandGroup>();
  const processTable = createProcessTable();
  const now = machineTime.monotonic;
  const outside = readStat(process.pid)?.session ?? 0;
  const orphans = createOrphans();
  const reportReadings = createReadings(say);
  let next: { timer: NodeJS.Timeout; at: number } | undefined;
  let lastGroup = 0;
  let takenCpuMs = endedChildrenCpuMs();

  /** Ends of two commands within one look: the first of them gets the time of both. */
  function takeCpuMs(): number {
    const sum = endedChildrenCpuMs();
    const since = sum - takenCpuMs;
    takenCpuMs = sum;
    return Math.max(0, since);
  }

  /** Looks at the processes of the machine once, and acts on what it sees for each command. */
  function turn() {
    next = undefined;
    const processes = processTable.look();
    const alive = new Map<CommandGroup, Process[]>();
    const hasOwnerless = settleOrphans(processes);
    for (const group of [...groups.values()]) {
      const left = group.leftIn(processes);
      if (group.isGone(left)) groups.delete(group.mark);
      else alive.set(group, left);
    }
    for (const [group, left] of alive) group.terminate(left);
    reportReadings(alive);
    for (const group of groups.values()) lookIn(group.pauseMs());
    if (hasOwnerless) lookIn(LOOK_CLOSELY_MS);
  }

  /**
   * Gives orphans to their commands, kills those whose command has ended and asks for the ends of those that have. True:
   * some lived until now whose command has ended.
   */
  function settleOrphans(processes: readonly Process[]): boolean {
    const adopted = reapAndFind(processes);
    const members = new Set(
      adopted.length > 0 ? [...groups.values()].flatMap((group) => group.leftIn(processes).map(processName)) : [],
    );
    const strangers = adopted.filter((one) => !members.has(processName(one)));
    const { byMark, ownerless } = orphans.look(strangers, [...groups.values()]);
    for (const [mark, found] of byMark) groups.get(mark)?.adopt(found);
    ownerless.forEach(killAtOnce);
    return ownerless.length > 0;
  }

  /** Asks for the ends of adopted children that have ended; returns those that live. The roots of commands are Node's. */
  function reapAndFind(processes: readonly Process[]): Process[] {
    const roots = new Set([...groups.values()].map(({ root }) => root.pid));
    reapChildren(processTable.endedChildrenOf(process.pid).filter((pid) => !roots.has(pid)));
    return processes.filter(({ pid, parent }) => parent === process.pid && !roots.has(pid));
  }

  function lookIn(ms: number) {
    const at = now() + ms;
    if (next && at >= next.at) return;
    clearTimeout(next?.timer);
    next = { timer: setTimeout(turn, ms), at };
  }

  return {
    run(mark, order) {
      const name = `${process.pid}-${++lastGroup}`;
      const unstarted = () => void groups.delete(mark);
      const needs = { graceMs, cgroups, name, outside, say, takeCpuMs, lookIn, unstarted };
      groups.set(mark, createCommandGroup(mark, order, needs));
    },
    open: (mark) => groups.get(mark)?.open(),
    stop: (mark, why) => groups.get(mark)?.stop(why),
    killAll(withinMs) {
      const until = now() + withinMs;
      for (;;) {
        const processes = processTable.look();
        let count = 0;
        for (const group of groups.values()) {
          const left = group.leftIn(processes);
          count += left.length;
          group.kill(left, 'SIGKILL');
        }
        const adopted = reapAndFind(processes);
        adopted.forEach(killAtOnce);
        count += adopted.length;
        if (count === 0 || now() > until) break;
        pause(10);
      }
      for (const group of groups.values()) group.release();
    },
  };
}

function killAtOnce(one: Process): void {
  sendToGroup(one.group, 'SIGKILL');
  send(one, 'SIGKILL');
}

/** Makes a function that tells the host the memory of all processes, at most once in about a second; an empty list once, when none is left. */
function createReadings(say: (message: FromBroker) => void) {
  let readAt = 0;
  let hadReadings = false;

  return (alive: ReadonlyMap<CommandGroup, readonly Process[]>) => {
    const now = machineTime.monotonic();
    if (now - readAt < LOOK_EVERY_MS * 0.9 && alive.size > 0) return;
    const children = [];
    for (const [{ mark }, left] of alive) {
      for (const { pid } of left) {
        const size = readProcessSize(pid);
        if (size && children.length < MOST_READINGS) children.push({ mark, pid, ...size });
      }
    }
    readAt = now;
    if (children.length > 0 || hadReadings || alive.size > 0) say({ say: 'readings', children });
    hadReadings = children.length > 0;
  };
}

/** Blocks this thread: for the last moments of a process that has nothing else to do. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
