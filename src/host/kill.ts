import type { Agent } from '../jobs/agent.ts';
import { Fault } from '../kernel/fault.ts';
import { notInNeeds } from '../kernel/needs-fault.ts';
import { type ProcessStat, readArguments, readStat } from '../kernel/proc.ts';
import type { KillSignal, ProcessName } from '../plugin/context.ts';

/** Signals processes of the machine for agents, by `needs.kill`. */
interface Kills {
  /**
   * Signals all of them, or none: each has a word of `needs.kill` in its command line, or is below a process that has one, or is of the
   * tree of one that was signalled before. Resolves with how many were there. Throws `NOT_IN_NEEDS` for any other, and for the host, what
   * is above it and what is below it.
   */
  kill(by: Pick<Agent, 'name' | 'needs'>, targets: readonly ProcessName[], signal: KillSignal): number;
}

/** The longest way up that is looked at. */
const MOST_ABOVE = 100;
/** Ids are used again; a tree ends sooner. */
const REMEMBERED_MS = 60_000;

export function createKills(): Kills {
  /** Those that were signalled just now, by id: their children may have lost them, and with them the word. */
  const known = new Map<string, Map<number, { start: number; at: number }>>();

  function isCovered(by: Pick<Agent, 'name' | 'needs'>, target: ProcessStat, above: readonly ProcessStat[]): boolean {
    const { kill = [] } = by.needs;
    if (kill.length === 0) return false;
    const mine = known.get(by.name);
    if ([target, ...above].some(({ pid, start }) => mine?.get(pid)?.start === start)) return true;
    if (mine?.has(target.group)) return true;
    const lines = [target, ...above].map(({ pid }) => wordsOf(pid));
    return kill.some((word) => word === '*' || lines.some((line) => line.includes(word)));
  }

  return {
    kill(by, targets, signal) {
      const there = targets.flatMap(({ pid, start }) => {
        const stat = readStat(pid);
        return stat === undefined || stat.start !== start || stat.isZombie ? [] : [stat];
      });
      for (const one of there) {
        const above = lineageOf(one);
        if (isOwn(one, above)) throw refused(by.name, one, `process ${one.pid} is Daruma's own, or above it`);
        if (!isCovered(by, one, above)) throw refused(by.name, one);
      }
      const now = performance.now();
      const recent = [...(known.get(by.name) ?? [])].filter(([, { at }]) => now - at < REMEMBERED_MS);
      known.set(by.name, new Map([...recent, ...there.map(({ pid, start }) => [pid, { start, at: now }] as const)]));
      return there.filter(({ pid }) => isSignalled(pid, signal)).length;
    },
  };
}

/** Neither the host, the guardian and the shell that it stands on, nor cells, brokers and commands of agents. */
function isOwn(target: ProcessStat, above: readonly ProcessStat[]): boolean {
  const self = readStat(process.pid);
  const mine = self === undefined ? [] : [self, ...lineageOf(self)].map(({ pid }) => pid);
  return target.pid === 1 || mine.includes(target.pid) || above.some(({ pid }) => pid === process.pid);
}

/** The processes above one, the nearest first. */
function lineageOf({ parent }: ProcessStat): ProcessStat[] {
  const above: ProcessStat[] = [];
  let next = readStat(parent);
  while (next !== undefined && above.length < MOST_ABOVE) {
    above.push(next);
    next = readStat(next.parent);
  }
  return above;
}

/** False: gone meanwhile, or another user's. */
function isSignalled(pid: number, signal: KillSignal): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The command line with spaces between its arguments; empty when the process is gone. */
const wordsOf = (pid: number): string => (readArguments(pid) ?? '').replaceAll('\0', ' ').trim();

function refused(agent: string, { pid }: ProcessStat, message?: string): Fault {
  const asked = wordsOf(pid).slice(0, 200);
  const plain = `no word of needs.kill of agent ${agent} is in ${asked}`;
  return new Fault(notInNeeds({ agent, need: 'kill', asked, message: message ?? plain }));
}
