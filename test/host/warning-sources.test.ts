import { expect, it } from 'vitest';
import type { VersionLeak } from '../../src/healing/version-heaps.ts';
import { createHostWarnings } from '../../src/host/warnings/sources.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { Clock, T0 } from '../clock.ts';

const MB = 1024 ** 2;
const MINUTE = 60_000;

it('says of leaks, versions, full memory and budgets what it is, how certain, and what comes next', async () => {
  const clock = new Clock();
  const leak = { perMinuteBytes: MB, usedBytes: 200 * MB, leftMs: 60 * MINUTE, due: false };
  const incident = { id: 'inc-7', agent: 'news', verdict: 'leaking', seen: 'w1 grows', openedAt: T0, version: 'v3' };
  const limitBytes = 512 * MB;
  const versions: VersionLeak[] = [{ agent: 'shop', version: 'v2', before: 'v1', leak, limitBytes, at: T0 }];
  const high = ['shop', 'news'].map((agent) => ({ agent, bytes: 400 * MB, limitBytes, at: T0 }));
  const evidence = { fault: { data: { leftMs: 90 * MINUTE } } };
  const healer = {
    versionLeaks: () => versions,
    highMemory: () => high,
    open: () => [{ ...incident, remedies: [{}], evidence }],
  };
  const budgets = [70, 90].map((spent) => ({ agent: 'shop', which: 'tokens' as const, spent, limit: 100 }));
  const none = { aggregates: async () => [], aggregateSums: async () => [], durationSketches: async () => [] };
  const warnings = createHostWarnings({
    ...{ time: clock, log: silentLog, bus: { emit() {} }, events: { record() {} } },
    store: { ...none, putFinding: async () => {}, findings: async () => [] },
    catalog: { agents: () => new Map() },
    healer: healer as unknown as Parameters<typeof createHostWarnings>[0]['healer'],
    billing: { ledger: { rising: () => budgets } },
    room: async () => ({ memoryFree: 9, memoryTotal: 10, diskFree: 2, diskTotal: 10 }),
    quantities: async () => [],
  });
  await warnings.start();
  await clock.pass(1);
  expect(warnings.current()).toHaveLength(5);
  const of = (fingerprint: string) => warnings.current().find((one) => one.fingerprint === fingerprint);
  expect(of('memory:news')).toMatchObject({ word: 'due', next: 'daruma incidents inc-7', hitsAt: T0 + 90 * MINUTE });
  expect(of('memory:shop')).toMatchObject({ word: 'rising', text: expect.stringContaining('78 % of its memory') });
  expect(of('difference:shop')).toMatchObject({ word: 'leaking', culprit: 'version v2', hitsAt: T0 + 60 * MINUTE });
  expect(of('difference:shop')!.next).toContain('daruma rollback shop');
  expect(of('spend:shop')).toMatchObject({ word: 'rising', text: expect.stringContaining('90 %') });
  expect(of('disk:host')).toMatchObject({ word: 'rising', text: expect.stringContaining('80 % of the disk') });
  expect(warnings.current()[0]!.fingerprint).toBe('memory:news');
  await warnings.stop();
});
