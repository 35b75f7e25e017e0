import { pidsNow, readStat, readVariable } from '../kernel/proc.ts';

/** The variable that the exec broker gives to each process that it starts. */
const EXEC_MARK = 'DARUMA_EXEC';

/** Zombies below a host and processes that its commands started, as `pid:start`; empty where there is no /proc. */
export function drillLeftovers(host: number): Set<string> {
  const found = new Set<string>();
  for (const pid of pidsNow()) {
    const stat = readStat(pid);
    if (!stat) continue;
    if (stat.isZombie ? isBelow(stat.parent, host) : readVariable(pid, EXEC_MARK)) found.add(`${pid}:${stat.start}`);
  }
  return found;
}

/** Whether a parent is the host, or a child of it. */
function isBelow(parent: number, host: number): boolean {
  return parent === host || readStat(parent)?.parent === host;
}
