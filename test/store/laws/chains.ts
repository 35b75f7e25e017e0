import { describe, expect, test } from 'vitest';
import { added, claimed, done, failed, freshStore, job, type OpenStore, T0 } from './world.ts';

const WHY = { code: 'CANCELLED', message: 'cancelled by hand' };

/** Laws of keys that are used, of jobs that make jobs, and of what is done to many jobs at once. */
export function chainLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);

  describe('a key', () => {
    test('that a job has says which one, since when, and whether it was asked for the same', async () => {
      const [first] = await at(T0).add([job({ key: 'k', input: '{"n":1}' })]);
      const { id } = first!;
      const holder = { state: 'queued', queuedAt: T0 };
      const same = await at(T0 + 5).add([job({ key: 'k', input: '{"n":1}' })]);
      expect(same).toEqual([{ id, isNew: false, first: { ...holder, sameInput: true } }]);
      const others = [job({ key: 'k', input: '{"n":2}' }), job({ key: 'k' })];
      for (const answer of await at(T0 + 5).add(others))
        expect(answer).toEqual({ id, isNew: false, first: { ...holder, sameInput: false } });
    });

    test('of a job that was cancelled, dropped or found stale is free again, and still shown', async () => {
      const [cancelled] = await added(store(), [{ key: 'k' }]);
      await at(T0).cancel(cancelled!, WHY);
      const [dropped] = await added(store(), [{ key: 'k' }]);
      const [taken] = await claimed(store());
      await store().settle([failed(taken!)]);
      await at(T0).drop([dropped!], WHY);
      const [stale] = await added(store(), [{ key: 'k', staleAt: T0 + 1 }]);
      expect(await claimed(store(), 1, T0 + 2)).toEqual([]);
      const [last] = await at(T0 + 3).add([job({ key: 'k' })]);
      expect(last!.isNew).toBe(true);
      for (const id of [cancelled, dropped, stale, last!.id]) expect((await store().get(id!))!.key).toBe('k');
    });

    test('of a dead or done job stays taken', async () => {
      await added(store(), [{ key: 'dead' }, { key: 'done' }]);
      const [one, two] = await claimed(store());
      await store().settle([failed(one!), done(two!)]);
      const again = await at(T0 + 9).add([job({ key: 'dead' }), job({ key: 'done' })]);
      expect(again.map(({ first }) => first?.state)).toEqual(['dead', 'done']);
    });

    test('comes back with its job, unless another has it by then', async () => {
      const [first] = await added(store(), [{ key: 'k' }]);
      await at(T0).cancel(first!, WHY);
      const [second] = await added(store(), [{ key: 'k' }]);
      expect(await at(T0).redrive([first!])).toEqual([]);
      expect((await store().get(first!))!.state).toBe('cancelled');
      await at(T0).cancel(second!, WHY);
      expect(await at(T0).redrive([first!])).toEqual([first]);
      expect((await at(T0).add([job({ key: 'k' })]))[0]).toMatchObject({ id: first, isNew: false });
    });
  });

  test('a job keeps who made it and how many hops away the first of its chain is', async () => {
    const [root] = await added(store(), [{}]);
    const [child] = await added(store(), [{ agent: 'b', parent: root!, depth: 1 }]);
    const [grandchild] = await added(store(), [{ parent: child!, depth: 2 }]);
    expect(await store().get(grandchild!)).toMatchObject({ parent: child, depth: 2 });
    expect(await store().get(root!)).toMatchObject({ parent: null, depth: 0 });
    expect(await store().ancestors(grandchild!)).toEqual([
      { id: grandchild, agent: 'a', depth: 2 },
      { id: child, agent: 'b', depth: 1 },
      { id: root, agent: 'a', depth: 0 },
    ]);
    expect(await store().ancestors('job-none')).toEqual([]);
    expect((await claimed(store(), 9)).map(({ depth }) => depth)).toEqual([0, 2]);
  });

  test('a chain longer than a hundred jobs is told as far as that', async () => {
    let parent: string | undefined;
    for (let depth = 0; depth < 130; depth++)
      [parent] = await added(store(), [{ depth, ...(parent === undefined ? {} : { parent }) }]);
    expect(await store().ancestors(parent!)).toHaveLength(100);
  });

  test('many jobs are cancelled at once, each of them as one would be', async () => {
    const [queued, other, ended] = await added(store(), [{}, { agent: 'b' }, { agent: 'c' }]);
    const [held] = await claimed(store(), 1, T0, 'b');
    const [over] = await claimed(store(), 1, T0, 'c');
    await store().settle([done(over!)]);
    expect(await at(T0).cancelMany([queued!, other!, ended!, 'job-none'], WHY)).toEqual([
      { id: queued, state: 'queued', attempt: 0 },
      { id: other, state: 'running', attempt: 1 },
    ]);
    expect(await store().get(queued!)).toMatchObject({ state: 'cancelled', error: WHY, finishedAt: T0 });
    expect(await store().settle([done(held!)])).toEqual([false]);
  });

  test('jobs that are meant together are named and counted', async () => {
    const ids = await added(store(), [{}, {}, { agent: 'b' }, { slot: T0 }]);
    const [taken] = await claimed(store(), 1);
    await store().settle([failed(taken!)]);
    expect(await store().ids({ states: ['queued'] })).toEqual([ids[3], ids[2], ids[1]]);
    expect(await store().ids({ agent: 'a', states: ['queued', 'dead'] })).toEqual([ids[3], ids[1], ids[0]]);
    expect(await store().ids({ states: ['dead', 'queued'], cause: 'f-broken' })).toEqual([ids[0]]);
    expect(await store().ids({ states: ['queued'], before: ids[3]! })).toEqual([ids[2], ids[1]]);
    expect(await store().count({ agent: 'a', states: ['queued', 'dead', 'done'] })).toEqual([
      { state: 'queued', count: 2 },
      { state: 'dead', count: 1 },
    ]);
    const delivered = await added(store(), [{ trigger: 'webhook' }, { agent: 'b', trigger: 'webhook' }]);
    const ofDeliveries = async (filter: object) =>
      (await store().list({ ofDeliveries: true, limit: 9, ...filter })).map(({ id }) => id);
    expect(await ofDeliveries({ agent: 'a' })).toEqual([delivered[0]]);
    expect(await ofDeliveries({ states: ['queued'] })).toEqual([delivered[1], delivered[0]]);
    expect(await ofDeliveries({ before: delivered[1] })).toEqual([delivered[0]]);
  });

  test('the backlog is what waits and is due', async () => {
    await added(store(), [{ runAt: T0 - 5 }, {}, { runAt: T0 + 60_000 }, { agent: 'b', runAt: T0 + 9 }]);
    expect(await at(T0).backlog()).toEqual([{ agent: 'a', count: 2, dueSince: T0 - 5 }]);
  });
}
