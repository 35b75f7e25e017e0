import { cpus } from 'node:os';

/**
 * Answers the share of all cores that was in use since the call before, 0 … 1; null where that was less than a tenth of a second or more
 * than ten seconds ago. `now`: monotonic ms.
 */
export function createCoreShare(): (now: number) => number | null {
  let before: { at: number; idle: number; total: number } | undefined;
  return (at) => {
    let idle = 0;
    let total = 0;
    for (const { times } of cpus()) {
      idle += times.idle;
      total += times.user + times.nice + times.sys + times.irq + times.idle;
    }
    const last = before;
    before = { at, idle, total };
    if (!last || at - last.at < 100 || at - last.at > 10_000 || total <= last.total) return null;
    return 1 - (idle - last.idle) / (total - last.total);
  };
}
