import { readSize, readStat } from '../../../kernel/proc.ts';
import { machineTime } from '../../../kernel/time.ts';
import type { BrokerEnd, BrokerOrder, BrokerTerms, FromBroker, ProcessFacts, StopWhy } from '../wire.ts';
import { createCensus } from './census.ts';
import type { Cgroup, Cgroups } from './cgroup.ts';
import { type Command, startCommand } from './command.ts';
import { membersOf, nameOf, type Process } from './members.ts';
import { nextSignal, type Pressing, STUBBORN_MS } from './press.ts';
import { pause, sendToGroup } from './signals.ts';

const LOOK_EVERY_MS = 1_000;
/** The younger a command, the sooner the next look: what it starts is to be seen before it can hide. */
const LOOK_FIRST_MS = 50;
/** While something is being killed. */
const LOOK_CLOSELY_MS = 40;
/** Of what a command left, so many are told by name. */
const MOST_NAMES = 20;
/** After a command has ended by itself: is anything of it left? */
const LOOK_AFTER_MS = 100;

interface Herd {
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
  pressing: Pressing | undefined;
  why: StopWhy | undefined;
  /** Those that were killed after it had ended by itself: what a command leaves that is stopped is not its fault. */
  left: Map<string, ProcessFacts>;
}

/** Commands with all that they start. Each one ends with `gone`, when nothing of it is left. */
export interface Herds {
  run(mark: string, order: BrokerOrder): void;
  open(mark: string): void;
  stop(mark: string, why: StopWhy): void;
  /** Kills everything without grace and returns when nothing is left, at most after `withinMs`. Blocks meanwhile. */
  killAll(withinMs: number): void;
}

export function createHerds(
  terms: Pick<BrokerTerms, 'graceMs'>,
  cgroups: Cgroups | undefined,
  say: (message: FromBroker) => void,
): Herds {
  const herds = new Map<string, Herd>();
  const census = createCensus();
  const now = machineTime.monotonic;
  const outside = readStat(process.pid)?.session ?? 0;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;
  let readAt = 0;
  let hadReadings = false;
  let lastGroup = 0;

  function run(mark: string, order: BrokerOrder) {
    const herd: Herd = {
      mark,
      command: startCommand(mark, order, {
        now,
        ended: (end) => ended(herd, end),
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
    herds.set(mark, herd);
    const { pid } = herd.command;
    if (pid === undefined) return;
    herd.root = { pid, start: readStat(pid)?.start ?? 0 };
    herd.cgroup = cgroups?.enclose(`${process.pid}-${++lastGroup}`, pid);
    say({ say: 'waiting', child: { mark, ...herd.root } });
  }

  function ended(herd: Herd, end: BrokerEnd) {
    herd.end = end;
    herd.endedItself = !herd.pressing;
    if (end.is === 'unstarted') {
      tell(herd, end);
      gone(herd);
      return;
    }
    if (!herd.pressing) tell(herd, end);
    lookIn(herd.pressing ? 0 : LOOK_AFTER_MS);
  }

  function tell(herd: Herd, end: BrokerEnd) {
    if (herd.isTold) return;
    herd.isTold = true;
    say({ say: 'ended', mark: herd.mark, end });
  }

  function gone(herd: Herd) {
    herd.cgroup?.remove();
    herds.delete(herd.mark);
    if (herd.why) tell(herd, { is: 'stopped', why: herd.why, result: herd.command.result() });
    const names = [...herd.left.values()].slice(0, MOST_NAMES);
    say({ say: 'gone', mark: herd.mark, left: herd.left.size, names });
  }

  function stop(mark: string, why: StopWhy) {
    const herd = herds.get(mark);
    if (!herd || herd.pressing) return;
    herd.why = why;
    herd.pressing = { since: now(), askedAt: null };
    lookIn(0);
  }

  /** One look at the machine, and what follows from it for each command. */
  function turn() {
    timer = undefined;
    timerAt = Number.POSITIVE_INFINITY;
    const processes = census.look();
    const alive = new Map<Herd, Process[]>();
    for (const herd of [...herds.values()]) {
      const left = leftOf(herd, processes);
      if (left.length === 0 && herd.command.hasEnded() && (herd.end || herd.why)) gone(herd);
      else alive.set(herd, left);
    }
    for (const [herd, left] of alive) if (herd.pressing) press(herd, left);
    tellReadings(alive);
    for (const herd of herds.values()) lookIn(pauseFor(herd));
  }

  function pauseFor({ pressing, openedAt }: Herd): number {
    if (pressing) return LOOK_CLOSELY_MS;
    const age = now() - (openedAt ?? now());
    return Math.min(Math.max(age, LOOK_FIRST_MS), LOOK_EVERY_MS);
  }

  function leftOf(herd: Herd, processes: readonly Process[]): Process[] {
    const { root, mark, known, cgroup } = herd;
    const left = membersOf(processes, { root, mark, known, inCgroup: new Set(cgroup?.pids()) }, outside);
    herd.known = new Set(left.map(nameOf));
    return left;
  }

  function press(herd: Herd, left: readonly Process[]) {
    const pressing = herd.pressing!;
    const signal = nextSignal(pressing, now(), terms.graceMs);
    if (signal) {
      pressing.askedAt ??= now();
      if (herd.endedItself) for (const one of left) name(herd, one);
      kill(herd, left, signal);
    }
    if (now() - pressing.since > terms.graceMs + STUBBORN_MS) {
      tell(herd, { is: 'stopped', why: herd.why!, result: herd.command.result() });
    }
  }

  function name(herd: Herd, one: Process) {
    const key = nameOf(one);
    if (!herd.left.has(key)) herd.left.set(key, { pid: one.pid, command: '?', rssBytes: 0, ...readSize(one.pid) });
  }

  function kill(herd: Herd, left: readonly Process[], signal: 'SIGTERM' | 'SIGKILL') {
    if (signal === 'SIGKILL') herd.cgroup?.kill();
    // By group, so that what is forked between the look and the kill dies with the rest.
    const groups = new Set(left.map((one) => one.group));
    // Its own is known even where there is no /proc; until it is reaped nobody else has the number.
    if (!herd.command.hasEnded()) groups.add(herd.root.pid);
    for (const group of groups) sendToGroup(group, signal);
  }

  function tellReadings(alive: ReadonlyMap<Herd, readonly Process[]>) {
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
      const herd = herds.get(mark);
      if (!herd || herd.pressing) return;
      herd.openedAt = now();
      herd.command.open();
      lookIn(LOOK_FIRST_MS);
    },
    stop,
    killAll(withinMs) {
      const until = now() + withinMs;
      for (;;) {
        const processes = census.look();
        let count = 0;
        for (const herd of herds.values()) {
          const left = leftOf(herd, processes);
          count += left.length;
          kill(herd, left, 'SIGKILL');
        }
        if (count === 0 || now() > until) break;
        pause(10);
      }
      for (const { cgroup } of herds.values()) cgroup?.remove();
    },
  };
}
