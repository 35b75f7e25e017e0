import { expect, test } from 'vitest';
import { added, claimed, done, freshStore, HOUR, job, type OpenStore, T0 } from './world.ts';

/** Laws of slots. */
export function slotLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);
  const all = () => store().slots({ from: 0, to: T0 + 100 * HOUR });

  test('plan writes a slot once, whatever became of it', async () => {
    await at(T0 - HOUR).plan([{ agent: 'a', due: T0 }]);
    await at(T0).decide([{ agent: 'a', due: T0, state: 'skipped', reason: 'still running' }]);
    await at(T0 - 1).plan([
      { agent: 'a', due: T0 },
      { agent: 'a', due: T0 + HOUR },
    ]);
    expect(await all()).toEqual([
      {
        agent: 'a',
        due: T0,
        state: 'skipped',
        reason: 'still running',
        job: null,
        plannedAt: T0 - HOUR,
        decidedAt: T0,
      },
      {
        agent: 'a',
        due: T0 + HOUR,
        state: 'planned',
        reason: null,
        job: null,
        plannedAt: T0 - 1,
        decidedAt: null,
      },
    ]);
  });

  test('plan takes up again what was cancelled before its time, and only that', async () => {
    const [past, coming] = [T0 - HOUR, T0 + HOUR];
    await at(past - 1).plan([
      { agent: 'a', due: past },
      { agent: 'a', due: coming },
    ]);
    expect(await at(past - 1).cancelPlanned('a', 0, 'switched off')).toBe(2);
    await at(T0).plan([
      { agent: 'a', due: past },
      { agent: 'a', due: coming },
    ]);
    expect(await all()).toMatchObject([
      { due: past, state: 'cancelled', reason: 'switched off' },
      { due: coming, state: 'planned', reason: null, plannedAt: T0, decidedAt: null },
    ]);
  });

  test('dueSlots gives what is planned and due, oldest first', async () => {
    const dues = [T0 + 1, T0, T0 - HOUR, T0 - 2 * HOUR];
    await at(0).plan(dues.map((due) => ({ agent: 'a', due })));
    await at(T0).decide([{ agent: 'a', due: T0 - 2 * HOUR, state: 'missed', reason: 'down' }]);
    expect((await store().dueSlots(T0, 10)).map((slot) => slot.due)).toEqual([T0 - HOUR, T0]);
    expect((await store().dueSlots(T0, 1)).map((slot) => slot.due)).toEqual([T0 - HOUR]);
  });

  test('a due slot comes with the unfinished jobs of its agent that slots asked for, the newest slot first', async () => {
    await at(0).plan([
      { agent: 'a', due: T0 },
      { agent: 'a', due: T0 - 1 },
      { agent: 'b', due: T0 },
    ]);
    const [old, gone, other, newest] = await added(store(), [
      { slot: T0 - 3 },
      { slot: T0 - HOUR },
      {},
      { slot: T0 - 2 },
      { agent: 'c', slot: T0 },
    ]);
    await store().cancel(gone!, { code: 'X', message: 'x' });
    const ofA = [
      { id: newest, slot: T0 - 2 },
      { id: old, slot: T0 - 3 },
    ];
    const due = await store().dueSlots(T0, 10);
    expect(due.map(({ agent, unfinished }) => ({ agent, unfinished }))).toEqual([
      { agent: 'a', unfinished: ofA },
      { agent: 'a', unfinished: ofA },
      { agent: 'b', unfinished: [] },
    ]);
    for (const { job: id, attempt } of await claimed(store(), 3))
      if (id !== newest) await store().settle([done({ job: id, attempt })]);
    expect((await store().get(newest!))?.state).toBe('running');
    expect((await store().get(other!))?.state).toBe('done');
    expect(await store().slotJobs(['b', 'a'])).toEqual([
      { agent: 'b', unfinished: [] },
      { agent: 'a', unfinished: [{ id: newest, slot: T0 - 2 }] },
    ]);
  });

  test('decide turns a slot into exactly one job, however often it is asked', async () => {
    await at(0).plan([{ agent: 'a', due: T0 }]);
    const ran = { agent: 'a', due: T0, state: 'ran' as const, job: job({ trigger: 'schedule' }) };
    const answers = (await Promise.all([at(T0).decide([ran, ran]), at(T0).decide([ran])])).flat();
    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    const jobs = await store().list({ limit: 10 });
    expect(jobs).toMatchObject([{ trigger: 'schedule', slot: T0, state: 'queued' }]);
    expect(await all()).toMatchObject([{ state: 'ran', job: jobs[0]!.id, decidedAt: T0 }]);
  });

  test('decide takes a missed slot up once more, to catch up, and no other', async () => {
    await at(0).plan([{ agent: 'a', due: T0 }]);
    const caughtUp = { agent: 'a', due: T0, state: 'caught-up' as const, reason: 'host was down', job: job() };
    expect(await at(T0).decide([{ agent: 'a', due: T0, state: 'missed', reason: 'host was down' }])).toEqual([null]);
    expect(await at(T0).decide([{ agent: 'a', due: T0, state: 'ran', job: job() }])).toEqual([undefined]);
    expect(await at(T0).decide([caughtUp, caughtUp])).toEqual([expect.any(String), undefined]);
    expect(await store().list({ limit: 10 })).toHaveLength(1);
  });

  test('decide writes the row of a slot that has none', async () => {
    const [id] = await at(T0 + 5).decide([{ agent: 'a', due: T0, state: 'ran', job: job() }]);
    expect(await all()).toMatchObject([{ due: T0, state: 'ran', job: id, plannedAt: T0 + 5, decidedAt: T0 + 5 }]);
  });

  test('decide gives the first job when its key was used before', async () => {
    const [first] = await added(store(), [{ key: 'k' }]);
    expect(await at(T0).decide([{ agent: 'a', due: T0, state: 'ran', job: job({ key: 'k' }) }])).toEqual([first]);
  });

  test('cancelPlanned ends what is planned after a time', async () => {
    await at(0).plan([
      { agent: 'a', due: T0 },
      { agent: 'a', due: T0 + 1 },
      { agent: 'a', due: T0 + 2 },
      { agent: 'b', due: T0 + 2 },
    ]);
    await at(T0).decide([{ agent: 'a', due: T0 + 2, state: 'skipped' }]);
    expect(await at(T0).cancelPlanned('a', T0, 'the schedule changed')).toBe(1);
    expect((await all()).map(({ agent, due, state }) => [agent, due - T0, state])).toEqual([
      ['a', 0, 'planned'],
      ['a', 1, 'cancelled'],
      ['a', 2, 'skipped'],
      ['b', 2, 'planned'],
    ]);
  });

  test('newestSlots and nextSlots name one slot of each agent', async () => {
    const dues = (agent: string, ...hours: number[]) => hours.map((hour) => ({ agent, due: T0 + hour * HOUR }));
    await at(0).plan([...dues('a', 0, 1, 2), ...dues('b', 5), ...dues('gone', 7)]);
    await at(T0).decide([{ agent: 'a', due: T0, state: 'skipped' }]);
    await at(T0).cancelPlanned('gone', 0, 'gone');
    await at(T0).cancelPlanned('a', T0 + HOUR, 'changed');
    expect(await store().newestSlots()).toEqual([...dues('a', 1), ...dues('b', 5)]);
    expect(await store().nextSlots()).toEqual([...dues('a', 1), ...dues('b', 5)]);
  });

  test('slots finds by agent, half-open period and state', async () => {
    await at(0).plan(
      [T0, T0 + 1, T0 + 2].flatMap((due) => [
        { agent: 'a', due },
        { agent: 'b', due },
      ]),
    );
    await at(T0).decide([{ agent: 'b', due: T0 + 1, state: 'missed' }]);
    expect(await store().slots({ from: T0, to: T0 + 2 })).toHaveLength(4);
    expect((await store().slots({ agent: 'b', from: T0 + 1, to: T0 + 3 })).map((s) => s.due)).toEqual([T0 + 1, T0 + 2]);
    expect(await store().slots({ from: 0, to: T0 + 9, states: ['missed'] })).toMatchObject([{ agent: 'b' }]);
    expect(await store().slots({ agent: 'b', from: 0, to: T0 + 9, states: ['ran'] })).toEqual([]);
  });
}
