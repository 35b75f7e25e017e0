import { pidsNow, readStat, readVariable } from '../../../kernel/proc.ts';
import { ENV_TAG } from '../wire.ts';
import { type Process, processName } from './members.ts';

/** Reads /proc. Nothing in it waits for a disk; where there is no /proc, nobody is seen. */
export interface ProcessTable {
  /** All processes but zombies. */
  look(): Process[];
}

/** KThreadd, which all threads of the kernel descend from. */
const KERNEL = 2;

export function createProcessTable(): ProcessTable {
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
        const name = processName(facts);
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

function readMark({ pid, parent }: { pid: number; parent: number }): string | null | undefined {
  return pid === KERNEL || parent === KERNEL ? null : readVariable(pid, ENV_TAG);
}
