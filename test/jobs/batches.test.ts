import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BatchAct,
  type BatchOrder,
  type BatchStore,
  decideItem,
  type ItemJob,
  STATES_OF_ACTS,
} from '../../src/jobs/batch.ts';
import { createBatches } from '../../src/jobs/batches.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { added, claimed, failed, T0 } from '../store/laws/world.ts';
import { memoryStore } from '../store/memory/store.ts';

const STATES = ['queued', 'running', 'retrying', 'done', 'dead', 'cancelled'] as const;
const ACTS = ['replay', 'drop', 'cancel'] as const;
const at = fc.integer({ min: T0 - 1_000, max: T0 + 1_000 });
const anyJob: fc.Arbitrary<ItemJob> = fc.record({
  state: fc.constantFrom(...STATES),
  attempt: fc.nat(3),
  staleAt: fc.option(at),
  slot: fc.option(at),
  queuedAt: at,
});
const terms = (act: BatchAct, withStale: boolean) => ({ act, withStale, set: { states: [...STATES_OF_ACTS[act]] } });
const ofUse = fc.option(fc.nat(1_000), { nil: undefined });

describe('the decision about an item', () => {
  test('acts on no job that is not what it was, whatever the order says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ACTS),
        fc.boolean(),
        fc.nat(3),
        anyJob,
        ofUse,
        (act, all, attempt, job, staleAfterMs) => {
          const { is } = decideItem(terms(act, all), attempt, job, { now: T0, staleAfterMs });
          const fits = STATES_OF_ACTS[act].includes(job.state) && (act === 'cancel' || job.attempt === attempt);
          expect(is === 'gone').toBe(!fits);
          if (is === 'stale') expect([act, all]).toEqual(['replay', false]);
        },
      ),
    );
    expect(decideItem(terms('drop', true), 0, undefined, { now: T0, staleAfterMs: 1 }).is).toBe('gone');
  });

  test('the time of the job itself says when it is stale, before the limit of its agent', () => {
    fc.assert(
      fc.property(anyJob, ofUse, (job, staleAfterMs) => {
        const { is } = decideItem(
          terms('replay', false),
          job.attempt,
          { ...job, state: 'dead' },
          { now: T0, staleAfterMs },
        );
        const limit = staleAfterMs === undefined ? Number.POSITIVE_INFINITY : (job.slot ?? job.queuedAt) + staleAfterMs;
        expect(is).toBe((job.staleAt ?? limit) < T0 ? 'stale' : 'act');
      }),
    );
  });
});

/** Batches on a store in memory with dead letters. */
async function world(dead: number) {
  const store = memoryStore({ now: T0 }, () => 0).handle();
  const ids = await added(
    store,
    Array.from({ length: dead }, () => ({})),
  );
  await store.settle((await claimed(store, dead)).map((one) => failed(one)));
  const ends: string[] = [];
  const open = (over: Partial<BatchStore> = {}) =>
    createBatches({
      time: machineTime,
      log: silentLog,
      store: { ...store, ...over },
      staleAfterMs: () => ({}),
      changed() {},
      onEnd: ({ id, state }) => void ends.push(`${id} ${state}`),
    });
  return { store, ids, ends, open };
}
const order = (act: BatchAct, isNamed = false): BatchOrder => ({
  ...terms(act, false),
  ...(act === 'replay' ? { set: { states: ['dead'] } } : {}),
  isNamed,
  reason: null,
});
const never = new AbortController().signal;

describe('batches', () => {
  test('are carried out to their end in steps, several in turns, and are told of once', async () => {
    const { store, ids, ends, open } = await world(450);
    const steps: string[] = [];
    const batches = open({
      stepBatch(id, more) {
        steps.push(id);
        return store.stepBatch(id, more);
      },
    });
    const all = await batches.begin(order('replay'), []);
    const some = await batches.begin(order('drop', true), ids.slice(0, 3));
    await batches.start();
    const [replayed, dropped] = await Promise.all([batches.ended(all, never), batches.ended(some, never)]);
    expect(dropped.total).toBe(3);
    expect(replayed.results.done + dropped.results.done).toBe(450);
    expect(ends.toSorted()).toEqual([`${all} done`, `${some} done`]);
    // The small one does not wait for the large one.
    expect(steps.indexOf(some)).toBeLessThan(steps.lastIndexOf(all));
    await batches.stop();
  });

  test('go on where they were when their host was killed between two steps, and no item is met twice', async () => {
    const { store, open, ends } = await world(900);
    const dies = Promise.withResolvers<void>();
    let steps = 0;
    const first = open({
      async stepBatch(id, more) {
        if (++steps < 3) return store.stepBatch(id, more);
        // Its last step is written, and the host never hears of it.
        if (steps === 3) await store.stepBatch(id, more);
        dies.resolve();
        return new Promise(() => {});
      },
    });
    const id = await first.begin(order('drop'), []);
    await first.start();
    await dies.promise;
    expect(await store.batch(id)).toMatchObject({ state: 'working', results: { done: 600 } });
    const second = open();
    await second.start();
    expect(await second.ended(id, never)).toMatchObject({
      state: 'done',
      total: 900,
      results: { done: 900, gone: 0, stale: 0, failed: 0 },
    });
    expect(ends).toEqual([`${id} done`]);
    await second.stop();
  });

  test('are ended by a person, and refused when there are too many', async () => {
    const { ids, open, ends } = await world(1);
    const batches = open();
    const begun = await Promise.all(Array.from({ length: 20 }, () => batches.begin(order('drop', true), ids)));
    await expect(batches.begin(order('drop', true), ids)).rejects.toMatchObject({ code: 'BATCHES_FULL' });
    const [first] = begun;
    const waiting = batches.ended(first!, never);
    expect(await batches.cancel(first!)).toMatchObject({ state: 'cancelled' });
    expect(await waiting).toMatchObject({ state: 'cancelled', total: 1 });
    await expect(batches.cancel(first!)).rejects.toMatchObject({ code: 'BATCH_ENDED' });
    await expect(batches.cancel('batch-99')).rejects.toMatchObject({ code: 'BATCH_UNKNOWN' });
    await expect(batches.ended('batch-99', never)).rejects.toMatchObject({ code: 'BATCH_UNKNOWN' });
    const leave = new AbortController();
    const left = batches.ended(begun[1]!, leave.signal);
    leave.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(ends).toEqual([`${first} cancelled`]);
  });
});
