import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onlyBroken } from '../check.ts';
import { type FaultCount, faultLoop } from '../disk/failed-calls.ts';
import { canTrace } from '../disk/process.ts';
import { tornLogs } from '../disk/torn-logs.ts';
import type { Fault } from '../fault.ts';

/** Damage by a bad disk: logs that are torn as by a power cut, and each system call failed in its turn. */
export const disk: Fault<'seeds' | 'most'> = {
  name: 'disk',
  counts: { seeds: 1_000, most: 300 },
  async run({ folder, say }, { seeds, most }) {
    const isTraced = canTrace();
    if (!isTraced) say('strace is not here, or not permitted: no system call is failed (apt-get install strace)');
    for (const part of ['torn', 'faults']) mkdirSync(join(folder, part));
    const [torn, faults] = await Promise.all([
      tornLogs({ folder: join(folder, 'torn'), seeds }),
      isTraced
        ? faultLoop({ folder: join(folder, 'faults'), most, say })
        : { counts: [], codes: {}, broken: [], absent: 'strace' },
    ]);
    const lost = [...torn.broken, ...faults.broken];
    const sum = (pick: (count: FaultCount) => number) => faults.counts.reduce((total, count) => total + pick(count), 0);
    const inAll = {
      logs: Object.values(torn.byDamage).reduce((total, { logs }) => total + logs, 0),
      faults: sum(struckOf),
      duringStart: sum(({ start }) => start),
      duringCall: sum(({ call }) => call),
      refused: sum(({ refused }) => refused),
      duringStop: sum(({ stop }) => stop),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      refusedAndKept: sum(({ refusedAndKept }) => refusedAndKept),
      broken: lost.length,
    };
    say(`${torn.stores} killed stores with ${torn.acknowledgedCalls} acknowledged calls, ${torn.seeds} seeds`);
    return {
      tables: [torn.byDamage, byKind(faults.counts), inAll, { 'refused with': faults.codes }],
      broken: onlyBroken({ 'a store keeps what it acknowledged': lost }),
      result: { inAll, torn, faults },
    };
  },
};

function struckOf({ start, call, stop, folder }: FaultCount): number {
  return start + call + stop + folder;
}

function byKind(counts: readonly FaultCount[]): Record<string, number> {
  const struck = counts.filter((count) => struckOf(count) > 0);
  return Object.fromEntries(
    struck.map((count) => [`${count.scene}, ${count.syscall} ${count.error}`, struckOf(count)]),
  );
}
