import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import type { Store } from '../../src/store/ports.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { anyCall, type CallWorld, callStore, compare } from './calls.ts';
import { JobModel } from './model.ts';

/** The calls of one turn are sent at once, so they travel and are committed together. */
const history = (mostAtOnce: number, longest: number) =>
  fc.array(
    fc.record({
      pass: fc.nat(30),
      calls: fc.array(anyCall, { minLength: 1, maxLength: mostAtOnce }),
      restart: fc.integer({ min: 1, max: 100 }),
    }),
    { minLength: 1, maxLength: longest, size: 'max' },
  );

let store: Store;
let folder: string;
let runs = 0;
/** Begins anew with each history; its wall clock is never set back while jobs of the same history wait. */
const clock = { now: 1_000_000 };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-store-'));
  const time = { ...machineTime, now: () => clock.now, monotonic: () => clock.now };
  store = createSqliteStore({ time, log: silentLog }, { file: join(folder, 'store.db') });
  await store.start();
});
afterAll(async () => {
  await store.stop();
  rmSync(folder, { recursive: true, force: true });
});

const newWorld = (isAlone: boolean): CallWorld => ({
  store,
  model: new JobModel(),
  run: `run${runs++}`,
  handed: [],
  started: new Set(),
  isAlone,
  now: 1_000_000,
});

test('after every call the jobs on disk are what stepJob says: none lost, none handed out twice, the fence kept', async () => {
  await fc.assert(
    fc.asyncProperty(history(1, 40), async (turns) => {
      const world = newWorld(true);
      for (const { pass, calls } of turns) {
        world.now += pass;
        clock.now = world.now;
        for (const call of calls) (await callStore(call, world))();
        await compare(world);
      }
    }),
    { numRuns: 200 },
  );
});

test('calls that are made at once, and restarts in between, change nothing of that', async () => {
  await fc.assert(
    fc.asyncProperty(history(6, 25), async (turns) => {
      const world = newWorld(false);
      for (const { pass, calls, restart } of turns) {
        world.now += pass;
        clock.now = world.now;
        const checks = await Promise.all(calls.map((one) => callStore(one, world)));
        for (const check of checks) check();
        if (restart === 50) {
          await store.stop();
          await store.start();
        }
        await compare(world);
      }
      await expectCounts(world);
    }),
    { numRuns: 100 },
  );
});

async function expectCounts({ model, run }: CallWorld): Promise<void> {
  const overview = (await store.overview()).filter(({ agent: name }) => name.startsWith(`${run}-`));
  const count = (name: string, state: string) =>
    model.jobs.filter(({ agent, life }) => agent === name && life.is === state).length;
  expect(overview.map(({ agent: name }) => name)).toEqual([...new Set(model.jobs.map((job) => job.agent))].sort());
  for (const { agent: name, queued, running, retrying, dead } of overview) {
    const wanted = ['queued', 'running', 'retrying', 'dead'].map((state) => count(name, state));
    expect([queued, running, retrying, dead]).toEqual(wanted);
  }
}
