import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { afterThisTest, cleaningUp, folder } from './folder.ts';
import { done, failed, job, LEASE, MINUTE, T0 } from './laws/world.ts';

cleaningUp();

it('makes nothing wait for a clock that was set back, and keeps the later times that were asked for', async () => {
  const clock = { wall: T0, monotonic: 5_000 };
  const time = { ...machineTime, now: () => clock.wall, monotonic: () => clock.monotonic };
  const told: unknown[] = [];
  const log = { ...silentLog, info: (_: string, data: unknown) => told.push(data) };
  const store = createSqliteStore({ time, log }, { file: join(folder(), 'store.db') });
  afterThisTest(() => store.stop());
  await store.start();
  const jobs = [
    job({ runAt: T0 + 9 }),
    job({ runAt: T0, priority: 9 }),
    job({ runAt: T0 + 2 * MINUTE }),
    job({ runAt: T0, priority: 8 }),
  ];
  const [due, retrying, later, over] = await store.add(jobs);
  const [answer] = await store.claim([{ agent: 'a', version: 'v', limit: 2 }], LEASE);
  const [first, second] = answer!.assignments;
  await store.settle([failed(first!, { state: 'retrying', inMs: MINUTE + 20 }), done(second!)]);
  clock.wall += MINUTE;
  clock.monotonic += MINUTE;
  expect(await store.waiting()).toMatchObject([{ inMs: 9 - MINUTE }]);
  // A minute back: what was due at 9 of it is so again, in its order.
  clock.wall = T0;
  expect(await store.waiting()).toMatchObject([{ inMs: 9 - MINUTE }]);
  expect(await store.get(due!.id)).toMatchObject({ state: 'queued', runAt: T0 + 9 - MINUTE });
  expect(await store.get(retrying!.id)).toMatchObject({ state: 'retrying', runAt: T0 + 20 });
  expect(await store.get(later!.id)).toMatchObject({ state: 'queued', runAt: T0 + 2 * MINUTE });
  expect(await store.get(over!.id)).toMatchObject({ state: 'done' });
  expect(told).toEqual([{ jobs: 2 }]);
  clock.wall = T0 + 30;
  await store.waiting();
  expect(told).toHaveLength(1);
});
