import { expect, test } from 'vitest';
import type { BatchAct, BatchOrder } from '../../../src/jobs/batch.ts';
import { STATES_OF_ACTS } from '../../../src/jobs/batch.ts';
import type { StorePorts } from '../../../src/store/ports.ts';
import { added, claimed, done, failed, freshStore, HOUR, type OpenStore, T0 } from './world.ts';

const order = (act: BatchAct, more: Partial<BatchOrder> = {}): BatchOrder => ({
  act,
  set: { states: [...STATES_OF_ACTS[act]] },
  isNamed: true,
  reason: null,
  withStale: false,
  ...more,
});
const NOTHING = { most: 100, staleAfterMs: {} };

/** Carries a batch out to its end, a few items at a time; the number of steps. */
async function workedOff(store: StorePorts, id: string, terms = { ...NOTHING, most: 2 }): Promise<number> {
  for (let steps = 1; ; steps++) if ((await store.stepBatch(id, terms)).isOver) return steps;
}

/** Laws of batches. */
export function batchLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);

  /** Dead letters of an agent. */
  async function dead(count: number, more: Parameters<typeof added>[1][number] = {}): Promise<string[]> {
    const ids = await added(
      store(),
      Array.from({ length: count }, () => more),
    );
    const taken = await claimed(store(), 100, T0, more.agent);
    await store().settle(taken.map((one) => failed(one)));
    return ids;
  }
  const resultsOf = async (id: string) => (await store().batch(id))!.results;
  const itemsOf = async (id: string) =>
    (await store().batchItems(id, { limit: 100 })).map(({ job, result, state }) => [job, result, state]);

  test('a batch of named jobs acts on each of them once, oldest first, and says what came of it', async () => {
    const [one, two, three] = await dead(3);
    const id = await store().addBatch(order('replay'), [three!, one!, two!, two!, 'job-none']);
    expect(await store().batch(id)).toMatchObject({ id, state: 'working', startedAt: T0, endedAt: null, total: 4 });
    const step = await store().stepBatch(id, { ...NOTHING, most: 2 });
    expect(step).toEqual({ isOver: false, queued: ['a'], cancelled: [] });
    expect(await itemsOf(id)).toEqual([
      [one, 'done', 'queued'],
      [two, 'done', 'queued'],
      [three, null, 'dead'],
      ['job-none', null, null],
    ]);
    // A job that ran and died again is not acted on twice.
    const taken = await claimed(store());
    await store().settle(taken.map((again) => failed(again)));
    expect(await store().stepBatch(id, { ...NOTHING, most: 3 })).toMatchObject({ isOver: true });
    expect(await itemsOf(id)).toEqual([
      [one, 'done', 'dead'],
      [two, 'done', 'dead'],
      [three, 'done', 'queued'],
      ['job-none', 'gone', null],
    ]);
    expect(await store().batch(id)).toMatchObject({ state: 'done', endedAt: T0, total: 4 });
    expect(await store().stepBatch(id, NOTHING)).toEqual({ isOver: true, queued: [], cancelled: [] });
  });

  test('replayed jobs wait behind all others of their agent', async () => {
    const ids = await dead(2, { priority: 7 });
    await workedOff(store(), await store().addBatch(order('replay'), ids));
    const [fresh] = await added(store(), [{}]);
    expect((await claimed(store(), 1)).map(({ job }) => job)).toEqual([fresh]);
    expect((await claimed(store())).map(({ job }) => job)).toEqual(ids);
  });

  test('jobs that match are collected in parts, and only those that were there', async () => {
    const ids = await dead(5);
    await dead(1, { agent: 'b' });
    const set = { states: ['dead' as const], agent: 'a' };
    const id = await store().addBatch(order('drop', { set, isNamed: false, reason: 'the server is gone' }), []);
    const [later] = await dead(1);
    for (let isLast = false; !isLast; ) {
      const { before } = (await store().batch(id))!;
      expect(await store().stepBatch(id, NOTHING)).toMatchObject({ isOver: true });
      const part = await store().ids({ ...set, before, limit: 2 });
      isLast = part.length < 2;
      await store().collectBatch(id, part, isLast);
    }
    await store().collectBatch(id, [later!], true);
    expect(await store().batch(id)).toMatchObject({ state: 'working', total: 5, endedAt: null });
    expect(await workedOff(store(), id)).toBe(3);
    expect(await store().batch(id)).toMatchObject({
      reason: 'the server is gone',
      set,
      isNamed: false,
      withStale: false,
    });
    expect(await resultsOf(id)).toEqual({ done: 5, stale: 0, gone: 0, failed: 0 });
    expect(await store().get(ids[0]!)).toMatchObject({
      state: 'cancelled',
      error: { code: 'DROPPED', message: 'dropped by hand: the server is gone' },
    });
    expect((await store().list({ states: ['dead'], limit: 9 })).map(({ agent }) => agent)).toEqual(['a', 'b']);
  });

  test('a job that changed in between is left alone, with the reason', async () => {
    const [replayed, rerun, holder] = await dead(3);
    const [keyed] = await dead(1, { agent: 'k', key: 'K' });
    await store().drop([keyed!], { code: 'X', message: 'x' });
    const id = await store().addBatch(order('replay'), [replayed!, rerun!, holder!, keyed!]);
    await added(store(), [{ agent: 'k', key: 'K' }]);
    await store().redrive([replayed!, rerun!]);
    for (const again of await claimed(store())) if (again.job === rerun) await store().settle([failed(again)]);
    await workedOff(store(), id);
    const items = await store().batchItems(id, { limit: 9 });
    expect(items.map(({ job, result, why }) => [job, result, why])).toEqual([
      [replayed, 'gone', 'it is running'],
      [rerun, 'gone', 'it has run again since'],
      [holder, 'done', null],
      [keyed, 'failed', 'another job has its key by now'],
    ]);
    expect(await resultsOf(id)).toEqual({ done: 1, stale: 0, gone: 2, failed: 1 });
    expect(await store().batchItems(id, { result: 'gone', after: replayed!, limit: 9 })).toMatchObject([
      { job: rerun },
    ]);
    expect(await store().batchItems('batch-99', { limit: 9 })).toEqual([]);
  });

  test('a replay drops jobs that are of no use any more, unless it is told not to', async () => {
    const [own] = await dead(1, { staleAfterMs: HOUR });
    const [ofAgent] = await dead(1, { agent: 'b', slot: T0 - HOUR });
    const [lasting] = await dead(1);
    const now = T0 + HOUR + 1;
    const staleAfterMs = { b: HOUR };
    const set = { states: ['dead' as const] };
    expect(await at(now).countStale(set, { now, staleAfterMs })).toBe(2);
    expect(await store().countStale({ ...set, agent: 'b' }, { now, staleAfterMs: {} })).toBe(0);
    const ids = [own!, ofAgent!, lasting!];
    const all = await store().addBatch(order('replay', { withStale: true }), [own!]);
    await workedOff(store(), all);
    expect(await itemsOf(all)).toEqual([[own, 'done', 'queued']]);
    await store().cancel(own!, { code: 'X', message: 'x' });
    const id = await store().addBatch(order('replay'), ids);
    await workedOff(store(), id, { most: 100, staleAfterMs });
    // A person replayed the first: it is not stale any more.
    expect(await itemsOf(id)).toEqual([
      [own, 'done', 'queued'],
      [ofAgent, 'stale', 'cancelled'],
      [lasting, 'done', 'queued'],
    ]);
    expect(await store().get(ofAgent!)).toMatchObject({ error: { code: 'STALE' } });
    expect(await resultsOf(id)).toEqual({ done: 2, stale: 1, gone: 0, failed: 0 });
  });

  test('a batch cancels jobs, and its own changes are told as those of others are', async () => {
    const told: unknown[] = [];
    const stop = store().changes((change) => void told.push(change));
    const ids = await added(store(), [{}, {}, {}]);
    const [running] = await claimed(store(), 1);
    await expect.poll(() => told.length).toBeGreaterThanOrEqual(3);
    told.length = 0;
    const id = await store().addBatch(order('cancel', { reason: 'enough' }), ids);
    const { cancelled } = await store().stepBatch(id, NOTHING);
    expect(cancelled).toEqual([
      { job: ids[0], state: 'running', attempt: 1 },
      { job: ids[1], state: 'queued', attempt: 0 },
      { job: ids[2], state: 'queued', attempt: 0 },
    ]);
    await expect
      .poll(() => told)
      .toMatchObject(ids.map((job, i) => ({ is: 'cancelled', job, attempt: i === 0 ? 1 : 0 })));
    expect(await store().settle([done(running!)])).toEqual([false]);
    expect(await store().get(ids[1]!)).toMatchObject({
      error: { code: 'CANCELLED', message: 'cancelled by hand, with others: enough' },
    });
    stop();
  });

  test('a batch that is cancelled stops where it is', async () => {
    const ids = await dead(3);
    const id = await store().addBatch(order('drop'), ids);
    await store().stepBatch(id, { ...NOTHING, most: 1 });
    expect(await store().cancelBatch(id)).toBe(true);
    expect(await store().cancelBatch(id)).toBe(false);
    expect(await store().cancelBatch('batch-99')).toBe(false);
    expect(await store().stepBatch(id, NOTHING)).toMatchObject({ isOver: true });
    expect((await itemsOf(id)).map(([, result]) => result)).toEqual(['done', null, null]);
    expect(await store().batch(id)).toMatchObject({ state: 'cancelled', endedAt: T0 });
    const waiting = await store().addBatch(order('drop', { isNamed: false }), []);
    await store().cancelBatch(waiting);
    await store().collectBatch(waiting, ids, true);
    expect(await store().batch(waiting)).toMatchObject({ state: 'cancelled', total: 0 });
  });

  test('batches are listed newest first, and go some time after their end; the newest stays', async () => {
    const ids = await dead(1);
    const [one, two, three] = [
      await store().addBatch(order('replay'), ids),
      await store().addBatch(order('drop'), ids),
      await store().addBatch(order('drop'), ids),
    ];
    for (const id of [one, three]) await store().cancelBatch(id!);
    const idsOf = async (states?: 'working'[]) =>
      (await store().batches({ limit: 9, ...(states ? { states } : {}) })).map(({ id }) => id);
    expect(await idsOf()).toEqual([three, two, one]);
    expect(await idsOf(['working'])).toEqual([two]);
    await at(T0 + HOUR).prune({ jobs: 0, slots: 0, events: T0 + 1 }, 9);
    expect(await idsOf()).toEqual([three, two]);
    expect(await store().batchItems(one!, { limit: 9 })).toEqual([]);
    expect(await store().batch(one!)).toBeUndefined();
    expect(await store().addBatch(order('drop'), ids)).not.toBe(three);
  });
}
