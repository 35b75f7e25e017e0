import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jobsIn, killedWhileBusy, lost } from './crash.ts';
import { afterThisTest, cleaningUp, faultOf, folder, storeAt } from './folder.ts';
import { job } from './laws/world.ts';

cleaningUp();

test('a store that is killed at any moment has everything that it acknowledged', async () => {
  const file = join(folder(), 'store.db');
  for (let round = 0; round < 10; round++) {
    const told = await killedWhileBusy(file, 1 + Math.floor(Math.random() ** 2 * 3_000));
    expect(lost(told, file)).toEqual([]);
  }
});

test('a torn, randomised or zeroed log loses its tail and nothing else', async () => {
  const path = folder();
  const file = join(path, 'store.db');
  await killedWhileBusy(file, 1_500);
  const log = readFileSync(`${file}-wal`);
  const whole = jobsIn(copyOf(file, log, join(path, 'whole.db'))).size;
  let cuts = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const at = Math.floor(log.length * (seed / 31)) + seed;
    const bent = Buffer.from(log);
    if (seed % 3 === 0) bent.fill(0, at);
    else if (seed % 3 === 1)
      for (let i = at; i < Math.min(at + 64, bent.length); i++) bent[i] = (bent[i]! + seed) & 255;
    const copy = copyOf(file, seed % 3 === 2 ? bent.subarray(0, at) : bent, join(path, `torn-${seed}.db`));
    // A log that is cut before its first commit leaves an empty file, which is a store without a table yet.
    const store = storeAt(copy);
    await store.start();
    await store.add([job()]);
    await store.stop();
    const jobs = jobsIn(copy);
    expect(jobs.has(`job-${jobs.size.toString(36)}`)).toBe(true);
    expect(jobs.size - 1).toBeLessThanOrEqual(whole);
    if (jobs.size - 1 < whole) cuts++;
  }
  expect(cuts).toBeGreaterThan(10);
});

test('what waits when the store is stopped is done first, and later calls are refused', async () => {
  const file = join(folder(), 'store.db');
  const store = storeAt(file);
  await store.start();
  const adding = Promise.all(Array.from({ length: 50 }, () => store.add([job()])));
  await store.stop();
  expect((await adding).flat()).toHaveLength(50);
  expect(await faultOf(store.add([job()]))).toMatchObject({ code: 'STORE_STOPPED' });
  expect(await faultOf(store.list({ limit: 1 }))).toMatchObject({ code: 'STORE_STOPPED' });
  expect(jobsIn(file).size).toBe(50);
  expect(existsSync(`${file}-wal`)).toBe(false);
});

test('start and stop in any order leave nothing open', async () => {
  const file = join(folder(), 'store.db');
  const store = storeAt(file);
  await store.stop();
  expect(store.alive()).toBeUndefined();
  await Promise.all([store.start(), store.start()]);
  expect(store.alive()).toBeTypeOf('number');
  await Promise.all([store.stop(), store.stop()]);
  await store.start();
  const both = [store.list({ limit: 1 }), store.stop()];
  await Promise.allSettled(both);
  await store.start();
  expect(await store.list({ limit: 1 })).toEqual([]);
});

test('a store thread that dies rejects what waits, is reported, and can be started again', async () => {
  const { subscribe, unsubscribe } = await import('node:diagnostics_channel');
  const threads: { terminate(): Promise<number> }[] = [];
  const see = (message: unknown) => void threads.push((message as { worker: (typeof threads)[0] }).worker);
  subscribe('worker_threads', see);
  afterThisTest(() => void unsubscribe('worker_threads', see));
  const failures: string[] = [];
  const store = storeAt(join(folder(), 'store.db'), (fault) => failures.push(fault.code));
  await store.start();
  const [kept] = await store.add([job()]);
  const waiting = faultOf(store.add([job({ input: 'x'.repeat(5_000_000) })]));
  await threads[0]!.terminate();
  expect((await waiting).code).toBe('STORE_DIED');
  expect(failures).toEqual(['STORE_DIED']);
  expect((await faultOf(store.add([job()]))).code).toBe('STORE_STOPPED');
  await store.start();
  expect(await store.get(kept!.id)).toBeDefined();
  await store.list({ limit: 1 });
  await threads[2]!.terminate();
  expect(await store.list({ limit: 9 })).not.toEqual([]);
  expect(failures).toHaveLength(1);
});

function copyOf(file: string, log: Buffer, copy: string): string {
  copyFileSync(file, copy);
  writeFileSync(`${copy}-wal`, log);
  return copy;
}
