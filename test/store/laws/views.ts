import { describe, expect, test } from 'vitest';
import { added, claimed, done, failed, freshStore, HOUR, type OpenStore, T0 } from './world.ts';

/** Laws of lists, overviews and dead letters. */
export function viewLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);
  const ids = async (filter: Omit<Parameters<ReturnType<typeof store>['list']>[0], 'limit'>, limit = 100) =>
    (await store().list({ ...filter, limit })).map((job) => job.id);

  describe('list', () => {
    test('gives the newest first, by page', async () => {
      const all = (await added(store(), [{}, { agent: 'b' }, {}, {}])).reverse();
      expect(await ids({})).toEqual(all);
      expect(await ids({}, 2)).toEqual(all.slice(0, 2));
      expect(await ids({ before: all[1]! }, 2)).toEqual(all.slice(2, 4));
      expect(await ids({ agent: 'b' })).toEqual([all[2]]);
      expect(await ids({ agent: 'nobody' })).toEqual([]);
      expect(await ids({ exceptPrefix: 'b' })).toEqual([all[0], all[1], all[3]]);
      expect(await ids({ exceptPrefix: 'b', states: ['queued'] }, 2)).toEqual([all[0], all[1]]);
    });

    test('finds jobs by every set of states', async () => {
      const names = ['done', 'dead', 'retrying', 'running', 'cancelled', 'queued'] as const;
      const [finish, die, retry, run, drop, wait] = await added(
        store(),
        names.map(() => ({})),
      );
      const [one, two, three] = await claimed(store(), 4);
      await store().settle([done(one!), failed(two!), failed(three!, { state: 'retrying', inMs: HOUR })]);
      await at(T0).cancel(drop!, { code: 'X', message: 'x' });
      const byState = [finish!, die!, retry!, run!, drop!, wait!];
      for (const [i, state] of names.entries()) expect(await ids({ states: [state] })).toEqual([byState[i]]);
      expect(await ids({ states: ['queued', 'dead', 'done'] })).toEqual([wait, die, finish]);
      expect(await ids({ states: ['queued', 'dead', 'done'], agent: 'a' }, 2)).toEqual([wait, die]);
      expect(await ids({ states: [] })).toEqual([]);
    });

    test('finds jobs by cause, by slot and since a time', async () => {
      const [one, two, three] = await added(store(), [{}, { slot: T0 }, {}]);
      const [late] = await added(store(), [{ slot: T0 + 1 }], T0 + 3 * HOUR);
      const taken = await claimed(store(), 3);
      await store().settle([
        failed(taken[0]!, { cause: 'f-x' }),
        failed(taken[1]!, { cause: 'f-y', state: 'retrying', inMs: HOUR }),
        failed(taken[2]!, { cause: 'f-x' }),
      ]);
      expect(await ids({ cause: 'f-x' })).toEqual([three, one]);
      expect(await ids({ cause: 'f-y' })).toEqual([two]);
      expect(await ids({ cause: 'f-y', states: ['dead'] })).toEqual([]);
      expect(await ids({ slot: T0 })).toEqual([two]);
      expect(await ids({ slot: T0 + 1, agent: 'a' })).toEqual([late]);
      expect(await ids({ since: T0 })).toEqual([late, three, two, one]);
      expect(await ids({ since: T0 + 1 })).toEqual([late]);
      expect(await ids({ since: T0 + 3 * HOUR })).toEqual([late]);
      expect(await ids({ since: T0 + 4 * HOUR })).toEqual([]);
    });

    test('finds what was queued since a time although the clock was set back in between', async () => {
      const [before] = await added(store(), [{}], T0 + 5 * HOUR);
      const [after] = await added(store(), [{}], T0);
      const [forward] = await added(store(), [{}], T0 + 5 * HOUR + 1);
      expect(await ids({ since: T0 + 5 * HOUR })).toEqual([forward, before]);
      expect(await ids({ since: T0 })).toEqual([forward, after, before]);
    });
  });

  test('list finds jobs by a text in their input or their error, whatever its case, and no pattern in it', async () => {
    const [shop, other] = await added(store(), [{ input: '{"url":"https://Shop.example"}' }, { input: '100%_sure' }]);
    const [first] = await claimed(store(), 1);
    await store().settle([failed(first!, { error: { code: 'BUSY', message: 'too many CALLS' } })]);
    expect(await ids({ text: 'shop.EXAMPLE' })).toEqual([shop]);
    expect(await ids({ text: 'many calls' })).toEqual([shop]);
    expect(await ids({ text: '0%_s' })).toEqual([other]);
    expect(await ids({ text: '1%' })).toEqual([]);
    expect(await ids({ text: 'many calls', states: ['dead'], agent: 'a' })).toEqual([shop]);
    expect(await ids({ text: 'many calls', states: ['queued'] })).toEqual([]);
  });

  test('runs gives the newest ends of each agent that is named, and nothing of what has not ended', async () => {
    await added(store(), [{}, {}, {}, {}, { agent: 'b' }]);
    const [one, two, three] = await claimed(store(), 3);
    const [four] = await claimed(store(), 1, T0, 'b');
    await store().settle([done(one!), failed(two!), failed(three!, { state: 'retrying', inMs: HOUR }), done(four!)]);
    const runs = await store().runs(['a', 'nobody', 'b'], 10);
    expect(runs).toMatchObject([
      { id: two!.job, agent: 'a', state: 'dead', attempt: 1 },
      { id: one!.job, agent: 'a', state: 'done', attempt: 1, startedAt: expect.any(Number) },
      { id: four!.job, agent: 'b', state: 'done' },
    ]);
    expect(await store().runs(['a'], 1)).toHaveLength(1);
    expect(await store().runs([], 10)).toEqual([]);
  });

  test('get knows no foreign id', async () => {
    await added(store(), [{}]);
    for (const id of ['', 'job-', 'job-0', 'job--1', 'JOB-1', 'job-01', 'job-1 ', 'x', 'job-zzzzzzzzzzzzzzzz']) {
      expect(await store().get(id)).toBeUndefined();
    }
  });

  test('deadByCause groups dead jobs, the largest group first, with the newest as example', async () => {
    await added(store(), [{}, {}, {}, { agent: 'b' }]);
    const [one, two, three] = await claimed(store());
    const [four] = await claimed(store(), 1, T0, 'b');
    await store().settle([
      failed(one!, { cause: 'f-x', finishedAt: T0 + 10 }),
      failed(two!, { cause: 'f-y', finishedAt: T0 + 20 }),
      failed(three!, { cause: 'f-x', finishedAt: T0 + 30 }),
      failed(four!, { cause: 'f-x', finishedAt: T0 + 40 }),
    ]);
    const groups = await store().deadByCause();
    expect(groups).toHaveLength(3);
    expect(groups[0]).toMatchObject({
      cause: 'f-x',
      agent: 'a',
      count: 2,
      firstAt: T0 + 10,
      lastAt: T0 + 30,
      example: { id: three!.job, state: 'dead' },
    });
    expect(groups.slice(1)).toMatchObject([
      { cause: 'f-x', agent: 'b', count: 1 },
      { cause: 'f-y', agent: 'a', count: 1 },
    ]);
  });

  test('overview counts the unfinished jobs of each agent and names its newest and its latest end', async () => {
    const many = await added(store(), [{}, {}, {}, {}, {}, { agent: 'b' }]);
    const [one, two, three] = await claimed(store(), 4);
    await store().settle([failed(three!, { state: 'retrying', inMs: HOUR }), failed(two!), done(one!)]);
    const overview = await store().overview();
    expect(overview.sort((x, y) => x.agent.localeCompare(y.agent))).toMatchObject([
      {
        agent: 'a',
        queued: 1,
        running: 1,
        retrying: 1,
        dead: 1,
        newest: { id: many[4] },
        ended: { id: one!.job, state: 'done' },
      },
      { agent: 'b', queued: 1, running: 0, retrying: 0, dead: 0, newest: { id: many[5] }, ended: null },
    ]);
  });

  test('overview names an older end when the latest was put back in the queue', async () => {
    await added(store(), [{}, {}]);
    const [one, two] = await claimed(store());
    await store().settle([done(one!), failed(two!)]);
    expect((await store().overview())[0]).toMatchObject({ ended: { id: two!.job } });
    await at(T0).redrive([two!.job]);
    expect((await store().overview())[0]).toMatchObject({ queued: 1, dead: 0, ended: { id: one!.job } });
  });
}
