import { expect, test } from 'vitest';
import { freshStore, type OpenStore } from './world.ts';

const spent = (day: string, agent: string, rung: string, calls: number) => ({
  day,
  agent,
  rung,
  calls,
  promptTokens: 10,
  completionTokens: 5,
  micros: 7,
  failedTries: 1,
  unpricedTokens: 0,
});
const used = (day: string, agent: string, heapKbs: number, diskBytes = 0) => ({
  day,
  agent,
  heapKbs,
  nativeKbs: 2,
  childrenKbs: 3,
  cpuMs: 4,
  diskBytes,
});

/** Laws of what models cost, and of what agents used. */
export function dayRowLaws(open: OpenStore): void {
  const { store } = freshStore(open);

  test('what models cost is what was put last; what is ahead goes with it, and without an amount it is gone', async () => {
    const ahead = { day: '2026-11-24', agent: 'a', calls: 9, tokens: 99, micros: 0 };
    await store().putSpend([spent('2026-11-24', 'a', 'groq', 1), spent('2026-11-24', 'b', '', 2)], [ahead]);
    await store().putSpend([spent('2026-11-24', 'a', 'groq', 3), spent('2026-11-25', 'a', 'groq', 4)], []);
    const days = { from: '2026-11-24', to: '2026-11-25' };
    expect(await store().spendRows(days)).toEqual([
      spent('2026-11-24', 'a', 'groq', 3),
      spent('2026-11-24', 'b', '', 2),
      spent('2026-11-25', 'a', 'groq', 4),
    ]);
    expect(await store().spendRows({ ...days, agent: 'b' })).toHaveLength(1);
    expect(await store().spendAhead()).toEqual([ahead]);
    await store().putSpend([], [{ ...ahead, calls: 0, tokens: 0 }]);
    expect(await store().spendAhead()).toEqual([]);
  });

  test('what an agent used is added up, and its disk is as last measured', async () => {
    await store().addUsage([used('2026-11-24', 'a', 10, 500), used('2026-11-24', 'b', 1)]);
    await store().addUsage([used('2026-11-24', 'a', 5)]);
    const usage = await store().usageRows({ from: '2026-11-24', to: '2026-11-24', agent: 'a' });
    expect(usage).toEqual([{ ...used('2026-11-24', 'a', 15, 500), nativeKbs: 4, childrenKbs: 6, cpuMs: 8 }]);
  });

  test('rows of old days go, and the oldest days where there are too many rows', async () => {
    for (const day of ['2026-11-20', '2026-11-21', '2026-11-22', '2026-11-23']) {
      await store().putSpend([spent(day, 'a', 'groq', 1), spent(day, 'b', 'groq', 1)], []);
      await store().addUsage([used(day, 'a', 1)]);
    }
    const all = { from: '2026-01-01', to: '2026-12-31' };
    await store().pruneDays('2026-11-21', 100);
    expect(await store().usageRows(all)).toHaveLength(3);
    await store().pruneDays('2026-11-21', 3);
    expect((await store().spendRows(all)).map(({ day }) => day)).toEqual(['2026-11-23', '2026-11-23']);
    expect(await store().usageRows(all)).toHaveLength(3);
  });

  test('takes no number that is none, and no day that is none', async () => {
    const row = spent('2026-11-24', 'a', 'groq', 1);
    for (const wrong of [
      { ...row, micros: 0.5 },
      { ...row, calls: -1 },
      { ...row, day: 'today' },
    ]) {
      await expect(store().putSpend([wrong], [])).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    }
    await expect(store().addUsage([used('2026-11-24', 'a', Number.NaN)])).rejects.toMatchObject({
      code: 'VALUE_INVALID',
    });
    expect(await store().spendRows({ from: '2026-11-24', to: '2026-11-24' })).toEqual([]);
  });
}
