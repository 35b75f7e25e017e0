import { expect, test } from 'vitest';
import { billWords, monthWords } from '../../src/control/words/bill.ts';
import type { SpendRow } from '../../src/gateway/models/spend.ts';
import { billsOf } from '../../src/host/bill/bills.ts';
import { MB } from '../../src/kernel/measures.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { billsResult } from '../../src/operations/results/bill.ts';
import type { AgentUsage } from '../../src/telemetry/ports.ts';

/** Noon of the 11th of November in Berlin: ten days and a half of thirty. */
const NOW = Date.parse('2026-11-11T11:00:00.000Z');

const spent = (day: string, agent: string, micros: number, more: Partial<SpendRow> = {}): SpendRow => ({
  ...{ day, agent, rung: 'groq', calls: 1, promptTokens: 100, completionTokens: 20, micros, failedTries: 0 },
  ...{ unpricedTokens: 0, ...more },
});
const used = (day: string, agent: string, hours: number, diskBytes = 0): AgentUsage => ({
  ...{ day, agent, heapKbs: hours * 3_600 * 1_024, nativeKbs: 0, childrenKbs: 0, cpuMs: 1_500, diskBytes },
});

function needs(spend: SpendRow[], usage: AgentUsage[]) {
  const within =
    <T extends { day: string; agent: string }>(rows: T[]) =>
    async ({ from, to, agent }: { from: string; to: string; agent?: string }) =>
      rows.filter((row) => row.day >= from && row.day <= to && (agent ?? row.agent) === row.agent);
  const store = { spendRows: within(spend), usageRows: within(usage) };
  return { store, time: { ...machineTime, now: () => NOW }, timezone: () => 'Europe/Berlin' };
}

test('a bill sums up a day and a month of the zone, and the dearest agent comes first', async () => {
  const bills = await billsOf(
    needs(
      [
        spent('2026-10-31', 'shop', 9_000_000),
        spent('2026-11-01', 'shop', 1_000_000),
        spent('2026-11-11', 'shop', 500_000, { failedTries: 2, unpricedTokens: 7 }),
        spent('2026-11-11', 'shop', 250_000, { rung: '', calls: 3 }),
        spent('2026-11-11', 'mail', 10_000),
      ],
      [used('2026-11-11', 'heavy', 30), used('2026-11-10', 'shop', 4, 2 * MB), used('2026-11-11', 'shop', 2, 3 * MB)],
    ),
    { days: true },
  );
  expect(billsResult.parse(bills)).toMatchObject({ day: '2026-11-11', month: '2026-11', timezone: 'Europe/Berlin' });
  expect(bills.agents.map(({ agent }) => agent)).toEqual(['shop', 'mail', 'heavy']);
  const [shop] = bills.agents;
  expect(shop).toMatchObject({
    today: { calls: 4, money: 0.75, failedTries: 2, unpricedTokens: 7, unknownMoney: 0.25, heapMbHours: 2 },
    month: { calls: 5, money: 1.75, heapMbHours: 6, cpuSeconds: 3, diskBytes: 3 * MB },
    forecast: 5,
  });
  expect(shop!.days!.map(({ day }) => day)).toEqual(['2026-11-01', '2026-11-10', '2026-11-11']);
  expect(bills.total).toMatchObject({ month: { money: 1.76, heapMbHours: 36, diskBytes: 3 * MB } });
  expect(billWords(shop!.today)).toBe(
    '4 calls · 240 tokens · $0.75, 7 tokens without a price, of which $0.25 may not have been spent · 2.0 MB·h memory · 1.5s processor · 3 MB disk',
  );
  expect(monthWords(shop!)).toContain('(forecast $5)');
});

test('an agent without a figure has an empty bill, and nothing is forecast in the first hour', async () => {
  const none = await billsOf(needs([], []), { agent: 'new' });
  expect(none.agents).toMatchObject([{ agent: 'new', month: { money: 0, calls: 0 }, forecast: null }]);
  expect(billWords(none.agents[0]!.today)).toBe('0.0 MB·h memory · 0ms processor');
  const early = needs([spent('2026-11-11', 'a', 5_000)], []);
  const bills = await billsOf({ ...early, time: { ...machineTime, now: () => NOW - 11.5 * 3_600_000 } }, {});
  expect(bills.agents[0]!.forecast).toBeNull();
});
