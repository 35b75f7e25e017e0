import type { SpendAhead, SpendRow } from '../../../src/gateway/models/spend.ts';
import type { AgentUsage } from '../../../src/telemetry/ports.ts';
import type { Calls } from './jobs.ts';

interface Days {
  from: string;
  to: string;
  agent?: string;
}

/** Rows of agents and days of a store in memory. */
export function memoryDayRows(): Calls {
  let spend: SpendRow[] = [];
  let ahead: SpendAhead[] = [];
  let usage: AgentUsage[] = [];
  const keyOf = ({ day, agent, rung = '' }: { day: string; agent: string; rung?: string }) =>
    JSON.stringify([day, agent, rung]);
  const sorted = <T extends SpendRow | AgentUsage | SpendAhead>(rows: T[]) =>
    rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).map((row) => ({ ...row }));
  const within = <T extends SpendRow | AgentUsage>(rows: T[], { from, to, agent }: Days) =>
    sorted(rows.filter((row) => row.day >= from && row.day <= to && (agent ?? row.agent) === row.agent));
  const without = <T extends SpendRow | SpendAhead | AgentUsage>(rows: T[], gone: readonly T[]) => {
    const keys = new Set(gone.map(keyOf));
    return rows.filter((row) => !keys.has(keyOf(row)));
  };
  const young = <T extends { day: string }>(rows: T[], before: string, most: number) => {
    const beyond =
      rows
        .map(({ day }) => day)
        .sort()
        .reverse()[most] ?? '';
    return rows.filter(({ day }) => day >= before && day > beyond);
  };

  return {
    putSpend(rows: SpendRow[], more: SpendAhead[]) {
      spend = [...without(spend, rows), ...rows];
      ahead = [...without(ahead, more), ...more.filter(({ calls, tokens, micros }) => calls + tokens + micros > 0)];
    },
    spendRows: (days: Days) => within(spend, days),
    spendAhead: () => sorted(ahead),
    addUsage(rows: AgentUsage[]) {
      for (const row of rows) {
        const found = usage.find((one) => keyOf(one) === keyOf(row));
        if (!found) usage.push({ ...row });
        else {
          for (const part of ['heapKbs', 'nativeKbs', 'childrenKbs', 'cpuMs'] as const) found[part] += row[part];
          found.diskBytes = row.diskBytes || found.diskBytes;
        }
      }
    },
    usageRows: (days: Days) => within(usage, days),
    pruneDays(before: string, most: number) {
      spend = young(spend, before, most);
      usage = young(usage, before, most);
    },
  };
}
