import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, vi } from 'vitest';
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

it('moves jobs along with the clock later when the store refuses it at first', async () => {
  const clock = { wall: T0, monotonic: 5_000 };
  const timers = new Map<number, () => void>();
  const after = (ms: number, call: () => void) => {
    timers.set(ms, call);
    return () => void timers.delete(ms);
  };
  const time = { ...machineTime, now: () => clock.wall, monotonic: () => clock.monotonic, after };
  const warned = Promise.withResolvers<unknown>();
  const moved = Promise.withResolvers<unknown>();
  const log = { ...silentLog, warn: (_: string, data: unknown) => warned.resolve(data), info: moved.resolve };
  const file = join(folder(), 'store.db');
  const store = createSqliteStore({ time, log }, { file });
  afterThisTest(() => store.stop());
  await store.start();
  const [due] = await store.add([job({ runAt: T0 + 9 })]);
  const db = new DatabaseSync(file);
  afterThisTest(() => db.close());
  db.exec(`CREATE TRIGGER refused BEFORE UPDATE OF run_at ON job BEGIN SELECT RAISE(ABORT, 'not now'); END`);
  clock.monotonic += MINUTE;
  clock.wall = T0;
  await store.waiting();
  expect(await warned.promise).toMatchObject({ fault: { code: 'STORE_REFUSED' } });
  expect(await store.get(due!.id)).toMatchObject({ runAt: T0 + 9 });
  db.exec('DROP TRIGGER refused');
  const again = await vi.waitUntil(() => timers.get(1_000));
  again();
  expect(await moved.promise).toContain('the clock went back by 1m');
  expect(await store.get(due!.id)).toMatchObject({ runAt: T0 + 9 - MINUTE });
});

it('holds no key and no job of a limit for the time by which the clock was set back', async () => {
  const clock = { wall: T0, monotonic: 5_000 };
  const time = { ...machineTime, now: () => clock.wall, monotonic: () => clock.monotonic };
  const file = join(folder(), 'store.db');
  let store = createSqliteStore({ time, log: silentLog }, { file });
  afterThisTest(() => store.stop());
  await store.start();
  const keyLimit = { concurrency: 1, rate: { starts: 2, perMs: MINUTE } };
  const claim = async (limit = 9) => (await store.claim([{ agent: 'a', version: 'v', limit, keyLimit }], LEASE))[0]!;
  const [waits] = await store.add([job({ priority: 9 })]);
  const first = await claim();
  await store.settle([failed(first.assignments[0]!, { state: 'retrying', inMs: 5 })]);
  await store.add([job({ priority: 10 })]);
  const second = await claim(1);
  // The job that retries is due, and set aside for the one that runs.
  clock.wall += 10;
  clock.monotonic += 10;
  expect((await claim()).assignments).toEqual([]);
  clock.monotonic += MINUTE;
  clock.wall = T0 - 60 * MINUTE;
  await store.waiting();
  expect(await store.get(waits!.id)).toMatchObject({ state: 'retrying', runAt: T0 + 5 - 61 * MINUTE - 10 });
  await store.settle([done(second.assignments[0]!)]);
  expect(await claim()).toMatchObject({ assignments: [{ job: waits!.id, attempt: 2 }] });
  // A host that starts after the clock was set back, which saw nothing of it.
  await store.settle([done({ job: waits!.id, attempt: 2 })]);
  await store.stop();
  clock.wall -= 60 * MINUTE;
  store = createSqliteStore({ time, log: silentLog }, { file });
  await store.start();
  const [fresh] = await store.add([job()]);
  expect(await claim()).toMatchObject({ assignments: [{ job: fresh!.id }] });
});

it('puts a job that waits for others of its kind off no longer for a clock that was set back', async () => {
  const clock = { wall: T0, monotonic: 5_000 };
  const time = { ...machineTime, now: () => clock.wall, monotonic: () => clock.monotonic };
  const store = createSqliteStore({ time, log: silentLog }, { file: join(folder(), 'store.db') });
  afterThisTest(() => store.stop());
  await store.start();
  const [waits] = await store.add([job({ inMs: MINUTE, debounce: { key: '', timeoutMs: 10 * MINUTE } })]);
  clock.wall -= 60 * MINUTE;
  expect(await store.waiting()).toEqual([{ agent: 'a', inMs: MINUTE }]);
  expect(await store.get(waits!.id)).toMatchObject({ runAt: T0 - 59 * MINUTE });
});
