import { readProcessSize, readStat } from '../../../kernel/proc.ts';
import { machineTime } from '../../../kernel/time.ts';
import {
  type BrokerEnd,
  type BrokerOrder,
  type FromBroker,
  MOST_NAMES,
  type ProcessFacts,
  type StopWhy,
} from '../wire.ts';
import type { Cgroups } from './cgroup.ts';
import { startCommand } from './command.ts';
import { membersOf, type Process, processName } from './process-table.ts';
import { nextSignal, sendToGroup, type Termination } from './termination.ts';

/** A process that SIGKILL does not end sits in the kernel: the job that ran the command gets an answer after so long all the same. */
const UNKILLABLE_MS = 2_000;

/** The broker looks at a living group so often. */
export const LOOK_EVERY_MS = 1_000;
/** The younger a command, the sooner the next look: what it starts is to be seen before it can hide. */
const LOOK_FIRST_MS = 50;
/** The pause between two looks while the broker kills a group. */
export const LOOK_CLOSELY_MS = 40;
/** The pause before the broker looks what a command has left that ended by itself. */
const LOOK_AFTER_MS = 100;

/** A command with all that it starts. */
export interface CommandGroup {
  readonly mark: string;
  /** The first process of the command, whose end Node asks for. */
  readonly root: { pid: number; start: number };
  /** Takes processes in that are known to be of it by nothing that they show. */
  adopt(orphans: readonly Process[]): void;
  /** Lets the command run: until then its process waits at a gate. */
  open(): void;
  /** Begins to end all of it; nothing for a group that is being ended already. */
  stop(why: StopWhy): void;
  /** The processes of it that live. */
  leftIn(processes: readonly Process[]): Process[];
  /** The next signal for what is left, when it is being ended. */
  terminate(left: readonly Process[]): void;
  kill(left: readonly Process[], signal: 'SIGTERM' | 'SIGKILL'): void;
  /** True: no process of the command is left and its end is known; the host has been told. */
  isGone(left: readonly Process[]): boolean;
  /** The pause before the next look at this group, in ms. */
  pauseMs(): number;
  /** Gives its cgroup back. */
  release(): void;
}

interface CommandGroupNeeds {
  graceMs: number;
  cgroups: Cgroups | undefined;
  /** The name of its cgroup. */
  name: string;
  /** The session of the broker, which never counts. */
  outside: number;
  say(message: FromBroker): void;
  /** The processor time of commands that have ended, as far as nobody has taken it before, in ms. */
  takeCpuMs(): number;
  /** The group asks for a look within `ms`. */
  lookIn(ms: number): void;
  /** The command could not be started, and the host has been told. The call never comes within {@link createCommandGroup}. */
  unstarted(): void;
}

/** The state of a command: it runs; it has ended by itself, and processes that it left may still run; the broker ends it. */
type State =
  | { is: 'running' }
  | { is: 'ended'; end: BrokerEnd; stopping: Stopping | undefined }
  | { is: 'stopping'; end: BrokerEnd | undefined; stopping: Stopping };

interface Stopping extends Termination {
  why: StopWhy;
}

/** Starts the command, which waits to be opened. */
export function createCommandGroup(mark: string, order: BrokerOrder, needs: CommandGroupNeeds): CommandGroup {
  const { graceMs, say, lookIn } = needs;
  const now = machineTime.monotonic;
  const command = startCommand(mark, order, { now, ended, timedOut: () => stop('timeout') });
  const pid = command.pid ?? 0;
  const root = { pid, start: pid === 0 ? 0 : (readStat(pid)?.start ?? 0) };
  const cgroup = pid === 0 ? undefined : needs.cgroups?.enclose(needs.name, pid);
  /** Processes that were killed after the command had ended by itself; a command that is stopped is not blamed for what it leaves. */
  const leftBehind = new Map<string, ProcessFacts>();
  let known: ReadonlySet<string> = new Set();
  let openedAt: number | undefined;
  let isReported = false;
  let state: State = { is: 'running' };
  if (pid !== 0) say({ say: 'waiting', child: { mark, ...root } });

  function ended(end: BrokerEnd) {
    const isStopping = state.is === 'stopping';
    state = state.is === 'stopping' ? { ...state, end } : { is: 'ended', end, stopping: undefined };
    if (end.is === 'unstarted') {
      report(end);
      sayGone();
      return needs.unstarted();
    }
    if (!isStopping) report(end);
    lookIn(isStopping ? 0 : LOOK_AFTER_MS);
  }

  function report(end: BrokerEnd) {
    if (isReported) return;
    isReported = true;
    say({ say: 'ended', mark, end });
  }

  function reportStopped(why: StopWhy) {
    report({ is: 'stopped', why, result: command.result() });
  }

  function sayGone() {
    cgroup?.remove();
    const stopping = stoppingOf(state);
    if (stopping) reportStopped(stopping.why);
    const names = [...leftBehind.values()].slice(0, MOST_NAMES);
    say({ say: 'gone', mark, left: leftBehind.size, names, cpuMs: needs.takeCpuMs() });
  }

  function stop(why: StopWhy) {
    if (stoppingOf(state)) return;
    const stopping = { why, since: now(), askedAt: null };
    state = state.is === 'ended' ? { ...state, stopping } : { is: 'stopping', end: undefined, stopping };
    lookIn(0);
  }

  function kill(left: readonly Process[], signal: 'SIGTERM' | 'SIGKILL') {
    if (signal === 'SIGKILL') cgroup?.kill();
    // Signals go to whole process groups, so that a process that is forked between the look and the kill dies with the rest.
    const groups = new Set(left.map((one) => one.group));
    // The command's own group is known even where there is no /proc; until its process is reaped no other has the number.
    if (!command.hasEnded()) groups.add(root.pid);
    // A command in bubblewrap has a process group of its own, and bubblewrap has to live on until it has told how the command ended.
    if (signal === 'SIGTERM' && order.fence?.is === 'bwrap') groups.delete(root.pid);
    for (const group of groups) sendToGroup(group, signal);
  }

  function terminate(left: readonly Process[]) {
    const stopping = stoppingOf(state);
    if (!stopping) return;
    const signal = nextSignal(stopping, now(), graceMs);
    if (signal) {
      stopping.askedAt ??= now();
      if (state.is === 'ended') for (const one of left) note(one);
      kill(left, signal);
    }
    if (now() - stopping.since > graceMs + UNKILLABLE_MS) reportStopped(stopping.why);
  }

  function note(one: Process) {
    const key = processName(one);
    if (leftBehind.has(key)) return;
    const facts = { pid: one.pid, command: '?', rssBytes: 0, ...readProcessSize(one.pid) };
    // The fence ends by itself after the last of the command's processes.
    if (order.fence?.is !== 'bwrap' || facts.command !== 'bwrap') leftBehind.set(key, facts);
  }

  return {
    mark,
    root,
    adopt(orphans) {
      known = new Set([...known, ...orphans.map(processName)]);
    },
    open() {
      if (stoppingOf(state)) return;
      openedAt = now();
      command.open();
      lookIn(LOOK_FIRST_MS);
    },
    stop,
    leftIn(processes) {
      const left = membersOf(processes, { root, mark, known, inCgroup: new Set(cgroup?.pids()) }, needs.outside);
      known = new Set(left.map(processName));
      return left;
    },
    terminate,
    kill,
    isGone(left) {
      if (left.length > 0 || !command.hasEnded() || state.is === 'running') return false;
      sayGone();
      return true;
    },
    pauseMs() {
      if (stoppingOf(state)) return LOOK_CLOSELY_MS;
      const age = now() - (openedAt ?? now());
      return Math.min(Math.max(age, LOOK_FIRST_MS), LOOK_EVERY_MS);
    },
    release: () => cgroup?.remove(),
  };
}

function stoppingOf(state: State): Stopping | undefined {
  return state.is === 'running' ? undefined : state.stopping;
}
