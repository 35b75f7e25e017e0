import { readSize, readStat } from '../../../kernel/proc.ts';
import { machineTime } from '../../../kernel/time.ts';
import type { BrokerEnd, BrokerOrder, BrokerTerms, FromBroker, ProcessFacts, StopWhy } from '../wire.ts';
import type { Cgroup, Cgroups } from './cgroup.ts';
import { type Command, startCommand } from './command.ts';
import { membersOf, type Process, processName } from './members.ts';
import { createProcessTable } from './process-table.ts';
import { pause, sendToGroup } from './signals.ts';
import { nextSignal, type Termination, UNKILLABLE_MS } from './termination.ts';

const LOOK_EVERY_MS = 1_000;
/** The younger a command, the sooner the next look: what it starts is to be seen before it can hide. */
const LOOK_FIRST_MS = 50;
/** While something is being killed. */
const LOOK_CLOSELY_MS = 40;
/** Of what a command left, so many are told by name. */
const MOST_NAMES = 20;
/** After a command has ended by itself: is anything of it left? */
const LOOK_AFTER_MS = 100;

interface CommandGroup {
  mark: string;
  command: Command;
  root: { pid: number; start: number };
  cgroup: Cgroup | undefined;
  known: Set<string>;
  openedAt: number | undefined;
  /** It ended by itself, or could not be started. */
  end: BrokerEnd | undefined;
  /** Nobody had stopped it. */
  endedItself: boolean;
  isTold: boolean;
  pressing: Termination | undefined;
  why: StopWhy | undefined;
  /** Those that were killed after it had ended by itself: what a command leaves that is stopped is not its fault. */
  left: Map<string, ProcessFacts>;
}

/** Commands with all that they start. Each one ends with `gone`, when nothing of it is left. */
export interface CommandGroups {
  run(mark: string, order: BrokerOrder): void;
  open(mark: string): void;
  stop(mark: string, why: StopWhy): void;
  /** Kills everything without grace and returns when nothing is left, at most after `withinMs`. Blocks meanwhile. */
  killAll(withinMs: number): void;
}

export function createCommandGroups(
  terms: Pick<BrokerTerms, 'graceMs'>,
  cgroups: Cgroups | undefined,
  say: (message: FromBroker) => void,
): CommandGroups {
  const commandGroups = new Map<string, CommandGroup>();
  const processTable = createProcessTable();
  const now = machineTime.monotonic;
  const outside = readStat(process.pid)?.session ?? 0;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;
  let readAt = 0;
  let hadReadings = false;
  let lastGroup = 0;

  function run(mark: string, order: BrokerOrder) {
    const commandGroup: CommandGroup = {
      mark,
      command: startCommand(mark, order, {
        now,
        ended: (end) => ended(commandGroup, end),
        timedOut: () => stop(mark, 'timeout'),
      }),
      root: { pid: 0, start: 0 },
      cgroup: undefined,
      known: new Set(),
      openedAt: undefined,
      end: undefined,
      endedItself: false,
      isTold: false,
      pressing: undefined,
      why: undefined,
      left: new Map(),
    };
    commandGroups.set(mark, commandGroup);
    const { pid } = commandGroup.command;
    if (pid === undefined) return;
    commandGroup.root = { pid, start: readStat(pid)?.start ?? 0 };
    commandGroup.cgroup = cgroups?.enclose(`${process.pid}-${++lastGroup}`, pid);
    say({ say: 'waiting', child: { mark, ...commandGroup.root } });
  }

  function ended(commandGroup: CommandGroup, end: BrokerEnd) {
    commandGroup.end = end;
    commandGroup.endedItself = !commandGroup.pressing;
    if (end.is === 'unstarted') {
      tell(commandGroup, end);
      gone(commandGroup);
      return;
    }
    if (!commandGroup.pressing) tell(commandGroup, end);
    lookIn(commandGroup.pressing ? 0 : LOOK_AFTER_MS);
  }

  function tell(commandGroup: CommandGroup, end: BrokerEnd) {
    if (commandGroup.isTold) return;
    commandGroup.isTold = true;
    say({ say: 'ended', mark: commandGroup.mark, end });
  }

  function gone(commandGroup: CommandGroup) {
    commandGroup.cgroup?.remove();
    commandGroups.delete(commandGroup.mark);
    if (commandGroup.why)
      tell(commandGroup, { is: 'stopped', why: commandGroup.why, result: commandGroup.command.result() });
    const names = [...commandGroup.left.values()].slice(0, MOST_NAMES);
    say({ say: 'gone', mark: commandGroup.mark, left: commandGroup.left.size, names });
  }

  function stop(mark: string, why: StopWhy) {
    const commandGroup = commandGroups.get(mark);
    if (!commandGroup || commandGroup.pressing) return;
    commandGroup.why = why;
    commandGroup.pressing = { since: now(), askedAt: null };
    lookIn(0);
  }

  /** One look at the machine, and what follows from it for each command. */
  function turn() {
    timer = undefined;
    timerAt = Number.POSITIVE_INFINITY;
    const processes = processTable.look();
    const alive = new Map<CommandGroup, Process[]>();
    for (const commandGroup of [...commandGroups.values()]) {
      const left = leftOf(commandGroup, processes);
      if (left.length === 0 && commandGroup.command.hasEnded() && (commandGroup.end || commandGroup.why))
        gone(commandGroup);
      else alive.set(commandGroup, left);
    }
    for (const [commandGroup, left] of alive) if (commandGroup.pressing) press(commandGroup, left);
    tellReadings(alive);
    for (const commandGroup of commandGroups.values()) lookIn(pauseFor(commandGroup));
  }

  function pauseFor({ pressing, openedAt }: CommandGroup): number {
    if (pressing) return LOOK_CLOSELY_MS;
    const age = now() - (openedAt ?? now());
    return Math.min(Math.max(age, LOOK_FIRST_MS), LOOK_EVERY_MS);
  }

  function leftOf(commandGroup: CommandGroup, processes: readonly Process[]): Process[] {
    const { root, mark, known, cgroup } = commandGroup;
    const left = membersOf(processes, { root, mark, known, inCgroup: new Set(cgroup?.pids()) }, outside);
    commandGroup.known = new Set(left.map(processName));
    return left;
  }

  function press(commandGroup: CommandGroup, left: readonly Process[]) {
    const pressing = commandGroup.pressing!;
    const signal = nextSignal(pressing, now(), terms.graceMs);
    if (signal) {
      pressing.askedAt ??= now();
      if (commandGroup.endedItself) for (const one of left) name(commandGroup, one);
      kill(commandGroup, left, signal);
    }
    if (now() - pressing.since > terms.graceMs + UNKILLABLE_MS) {
      tell(commandGroup, { is: 'stopped', why: commandGroup.why!, result: commandGroup.command.result() });
    }
  }

  function name(commandGroup: CommandGroup, one: Process) {
    const key = processName(one);
    if (!commandGroup.left.has(key))
      commandGroup.left.set(key, { pid: one.pid, command: '?', rssBytes: 0, ...readSize(one.pid) });
  }

  function kill(commandGroup: CommandGroup, left: readonly Process[], signal: 'SIGTERM' | 'SIGKILL') {
    if (signal === 'SIGKILL') commandGroup.cgroup?.kill();
    // By group, so that what is forked between the look and the kill dies with the rest.
    const groups = new Set(left.map((one) => one.group));
    // Its own is known even where there is no /proc; until it is reaped nobody else has the number.
    if (!commandGroup.command.hasEnded()) groups.add(commandGroup.root.pid);
    for (const group of groups) sendToGroup(group, signal);
  }

  function tellReadings(alive: ReadonlyMap<CommandGroup, readonly Process[]>) {
    if (now() - readAt < LOOK_EVERY_MS * 0.9 && alive.size > 0) return;
    const children = [];
    for (const [{ mark }, left] of alive) {
      for (const { pid } of left) {
        const size = readSize(pid);
        if (size) children.push({ mark, pid, ...size });
      }
    }
    readAt = now();
    if (children.length > 0 || hadReadings || alive.size > 0) say({ say: 'readings', children });
    hadReadings = children.length > 0;
  }

  function lookIn(ms: number) {
    if (now() + ms >= timerAt) return;
    clearTimeout(timer);
    timerAt = now() + ms;
    timer = setTimeout(turn, ms);
  }

  return {
    run,
    open(mark) {
      const commandGroup = commandGroups.get(mark);
      if (!commandGroup || commandGroup.pressing) return;
      commandGroup.openedAt = now();
      commandGroup.command.open();
      lookIn(LOOK_FIRST_MS);
    },
    stop,
    killAll(withinMs) {
      const until = now() + withinMs;
      for (;;) {
        const processes = processTable.look();
        let count = 0;
        for (const commandGroup of commandGroups.values()) {
          const left = leftOf(commandGroup, processes);
          count += left.length;
          kill(commandGroup, left, 'SIGKILL');
        }
        if (count === 0 || now() > until) break;
        pause(10);
      }
      for (const { cgroup } of commandGroups.values()) cgroup?.remove();
    },
  };
}
