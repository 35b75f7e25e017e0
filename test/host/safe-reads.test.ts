import { expect, it } from 'vitest';
import { withSafeReads } from '../../src/host/lifecycle/safe-mode.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { Store } from '../../src/store/ports.ts';

it('a store that cannot tell what a host asks at its start ends no start in safe mode, and the log says so once', async () => {
  const told: string[] = [];
  const refuse = () => Promise.reject(new Error('database disk image is malformed'));
  const store = { paused: refuse, abandoned: async () => ['job'], newestSlots: refuse, list: refuse };
  const safe = withSafeReads(store as unknown as Store, { ...silentLog, error: (message) => told.push(message) });
  expect([await safe.paused(), await safe.paused(), await safe.newestSlots()]).toEqual([[], [], []]);
  expect(await safe.abandoned({ host: 'x', run: '1' })).toEqual(['job']);
  await expect(safe.list({ limit: 1 })).rejects.toThrow('malformed');
  expect(told).toEqual([
    'the store gives no answer about paused; safe mode goes on without it',
    'the store gives no answer about newestSlots; safe mode goes on without it',
  ]);
});
