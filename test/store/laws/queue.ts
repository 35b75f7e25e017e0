import { beforeEach, describe, expect, test } from 'vitest';
import type { JobChange } from '../../../src/jobs/ports.ts';
import { added, claimed, done, failed, freshStore, HOST, job, LEASE, MINUTE, type OpenStore, T0 } from './world.ts';

/** Laws of adding, claiming, leases and giving back. */
export function queueLaws(open: OpenStore): void {
  const { store, other, at } = freshStore(open);

  describe('add', () => {
    test('gives each job an id of its own and keeps what was asked for, unread', async () => {
      const input = '{"not":  "reformatted", "ü": "\\u0000 💥"}';
      const [first, second] = await added(store(), [
        { input, key: 'k', slot: T0 - 1, priority: 7, runAt: T0 + 5, staleAt: T0 + 9, attempts: 4, trigger: 'send' },
        {},
      ]);
      expect(first).not.toBe(second);
      expect(await store().get(first!)).toEqual({
        id: first,
        agent: 'a',
        version: null,
        state: 'queued',
        trigger: 'send',
        slot: T0 - 1,
        key: 'k',
        priority: 7,
        attempt: 0,
        attempts: 4,
        queuedAt: T0,
        runAt: T0 + 5,
        staleAt: T0 + 9,
        startedAt: null,
        finishedAt: null,
        input,
        result: null,
        summary: null,
        error: null,
        cause: null,
        parent: null,
        depth: 0,
        failures: [],
      });
      expect(await store().get(second!)).toMatchObject({ runAt: T0, priority: 0, key: null, slot: null, input: null });
    });

    test('counts lengths from when the store takes the job', async () => {
      const [later, both] = await added(store(), [
        { inMs: 20, staleAfterMs: 5 },
        { runAt: T0 + 9, staleAfterMs: 5 },
      ]);
      expect(await store().get(later!)).toMatchObject({ queuedAt: T0, runAt: T0 + 20, staleAt: T0 + 25 });
      expect(await store().get(both!)).toMatchObject({ runAt: T0 + 9, staleAt: T0 + 14 });
    });

    test('answers a key that the agent has used with the first job, also within one batch', async () => {
      const batch = [job({ key: 'k' }), job({ key: 'k' }), job({ agent: 'b', key: 'k' }), job()];
      const [first, again, other, plain] = await at(T0).add(batch);
      expect(first!.isNew).toBe(true);
      expect(again).toMatchObject({ id: first!.id, isNew: false });
      expect(other!.isNew).toBe(true);
      expect(plain!.isNew).toBe(true);
      await store().settle((await claimed(store())).map((taken) => done(taken)));
      expect(await at(T0 + 1).add([job({ key: 'k' })])).toMatchObject([{ id: first!.id, isNew: false }]);
    });

    test('takes a payload of several megabytes', async () => {
      const input = JSON.stringify('x'.repeat(5_000_000));
      const [id] = await added(store(), [{ input }]);
      expect((await claimed(store()))[0]).toMatchObject({ job: id, input });
    });
  });

  describe('claim', () => {
    test('takes highest priority first, then by due time, then by age, and no more than the limit', async () => {
      const [late, early, urgent, low, younger] = await added(store(), [
        { runAt: T0 - 1 },
        { runAt: T0 - 2 },
        { priority: 100 },
        { priority: -100, runAt: T0 - 9 },
        { runAt: T0 - 1 },
      ]);
      expect((await claimed(store(), 2)).map((taken) => taken.job)).toEqual([urgent, early]);
      expect((await claimed(store(), 9)).map((taken) => taken.job)).toEqual([late, younger, low]);
      expect(await claimed(store())).toEqual([]);
    });

    test('marks the job running under the next attempt and hands over what its worker needs', async () => {
      const [id] = await added(store(), [{ input: '1', slot: T0, trigger: 'schedule' }]);
      expect(await claimed(store())).toEqual([
        {
          job: id,
          agent: 'a',
          attempt: 1,
          attempts: 3,
          trigger: 'schedule',
          slot: T0,
          input: '1',
          queuedAt: T0,
          runAt: T0,
          depth: 0,
        },
      ]);
      expect(await store().get(id!)).toMatchObject({ state: 'running', attempt: 1, version: 'v1', startedAt: T0 });
    });

    test('leaves jobs that are not due, whatever their priority, and says when the next one is', async () => {
      await added(store(), [{ runAt: T0 + 50, priority: 100 }, { runAt: T0 + 20, priority: 3 }, {}]);
      const [answer, none] = await store().claim(
        [
          { agent: 'a', version: 'v1', limit: 5 },
          { agent: 'nobody', version: 'v1', limit: 5 },
        ],
        LEASE,
      );
      expect(answer!.assignments).toHaveLength(1);
      expect(answer!.nextInMs).toBe(20);
      expect(none).toEqual({ agent: 'nobody', assignments: [], nextInMs: null });
    });

    test('leaves jobs below the least priority, until there is none', async () => {
      const [low, plain, lower] = await added(store(), [{ priority: -1 }, {}, { priority: -100, runAt: T0 - 9 }]);
      const take = async (leastPriority?: number) => {
        const [answer] = await store().claim([{ agent: 'a', version: 'v', limit: 9 }], { ...LEASE, leastPriority });
        return { jobs: answer!.assignments.map(({ job }) => job), nextInMs: answer!.nextInMs };
      };
      expect(await store().waiting(0)).toEqual([{ agent: 'a', inMs: 0 }]);
      expect(await take(0)).toEqual({ jobs: [plain], nextInMs: null });
      expect(await take(0)).toEqual({ jobs: [], nextInMs: null });
      expect(await store().waiting(0)).toEqual([]);
      expect(await store().waiting()).toEqual([{ agent: 'a', inMs: -9 }]);
      expect(await take()).toEqual({ jobs: [low, lower], nextInMs: null });
    });

    test('says that there is more when the limit was reached', async () => {
      await added(store(), [{}, {}, { priority: -5 }]);
      for (const more of [true, true, false]) {
        const [answer] = await store().claim([{ agent: 'a', version: 'v', limit: 1 }], LEASE);
        expect(answer!.assignments).toHaveLength(1);
        expect(answer!.nextInMs !== null && answer!.nextInMs <= 0).toBe(more);
      }
    });

    test('cancels what is stale, with the reason, without counting it', async () => {
      const [stale, fresh, edge] = await added(store(), [{ staleAt: T0 - 1 }, { staleAt: T0 + 1 }, { staleAt: T0 }]);
      expect((await claimed(store(), 2)).map((taken) => taken.job)).toEqual([fresh, edge]);
      const dropped = await store().get(stale!);
      expect(dropped).toMatchObject({ state: 'cancelled', attempt: 0, finishedAt: T0, error: { code: 'STALE' } });
      expect(dropped!.error!.message).toContain(new Date(T0 - 1).toISOString());
    });

    test('cancels what has waited for its agent for longer than that lets it, and nothing that has begun', async () => {
      const [old, own, retried] = await added(store(), [{}, { staleAt: T0 + 9 * MINUTE }, {}]);
      const [first] = await claimed(store(), 1);
      await store().release([{ job: first!.job, attempt: 1 }]);
      const [answer] = await at(T0 + 2).claim([{ agent: 'a', version: 'v', limit: 3, staleAfterMs: 1 }], LEASE);
      expect(answer!.assignments.map(({ job: id }) => id)).toEqual([own]);
      for (const id of [old, retried]) expect(await store().get(id!)).toMatchObject({ error: { code: 'STALE' } });
    });

    test('takes a retrying job when its pause is over', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      await store().settle([failed(taken!, { state: 'retrying', inMs: MINUTE })]);
      expect(await claimed(store(), 1, T0 + MINUTE - 1)).toEqual([]);
      expect(await claimed(store(), 1, T0 + MINUTE)).toMatchObject([{ job: taken!.job, attempt: 2 }]);
    });
  });

  describe('leases', () => {
    test('renew lengthens what is held and returns what is not', async () => {
      await added(store(), [{}, {}]);
      const [one, two] = await claimed(store());
      await store().settle([done(two!)]);
      const lost = await store().renew([one!, two!, { job: one!.job, attempt: 2 }], 9 * MINUTE);
      expect(lost).toEqual([two, { job: one!.job, attempt: 2 }]);
      expect(await at(T0 + 8 * MINUTE).abandoned(HOST)).toEqual([]);
    });

    test('abandoned finds running jobs whose lease is over, and those of an earlier run of the same host', async () => {
      const [id] = await added(store(), [{}, { runAt: T0 + MINUTE }]);
      await claimed(store());
      expect(await store().abandoned(HOST)).toEqual([]);
      expect(await store().abandoned({ ...HOST, run: 'run 2' })).toMatchObject([{ id, state: 'running', attempt: 1 }]);
      expect(await at(T0 + MINUTE).abandoned(HOST)).toMatchObject([{ id }]);
    });

    test('another host leaves what a host holds alone, until the lease is over', async () => {
      const [id] = await added(store(), [{}]);
      const [taken] = await claimed(store());
      const neighbours = ['hos', 'host 2', '', 'host/run 1'].map((host) => ({ host, run: 'run 1' }));
      for (const owner of neighbours) expect(await other().abandoned(owner)).toEqual([]);
      await at(T0 + MINUTE - 1).renew([taken!], MINUTE);
      at(T0 + 2 * MINUTE - 2);
      expect(await other().abandoned(neighbours[0]!)).toEqual([]);
      at(T0 + 2 * MINUTE - 1);
      expect(await other().abandoned(neighbours[0]!)).toMatchObject([{ id, attempt: 1 }]);
      // The sweep of that host ends it; the first host's own end is late then.
      expect(await other().settle([failed(taken!, { state: 'retrying', inMs: 0 })])).toEqual([true]);
      expect(await store().renew([taken!], MINUTE)).toEqual([taken]);
      expect(await store().settle([done(taken!)])).toEqual([false]);
    });

    test('two hosts share the work, and no job is taken by both', async () => {
      const ids = await added(store(), [{}, {}, {}, {}, {}, {}]);
      const request = [{ agent: 'a', version: 'v', limit: 4 }];
      const [mine, theirs] = await Promise.all([
        store().claim(request, LEASE),
        other().claim(request, { ...LEASE, owner: { host: 'other host', run: 'run 1' } }),
      ]);
      const taken = [...mine, ...theirs].flatMap(({ assignments }) => assignments.map((one) => one.job));
      expect(taken.sort()).toEqual([...ids].sort());
    });

    test('release gives the attempt back, so that it is not used up', async () => {
      await added(store(), [{}]);
      const [first] = await claimed(store());
      await store().release([first!]);
      expect(await store().get(first!.job)).toMatchObject({
        state: 'queued',
        attempt: 0,
        version: null,
        startedAt: null,
      });
      const [again] = await claimed(store());
      expect(again!.attempt).toBe(1);
      await store().settle([failed(again!, { state: 'retrying', inMs: 0 })]);
      const [second] = await claimed(store());
      await store().release([second!, { job: 'job-unknown', attempt: 1 }, { job: second!.job, attempt: 7 }]);
      expect(await store().get(first!.job)).toMatchObject({ state: 'retrying', attempt: 1, cause: 'f-broken' });
      await store().release([second!]);
      expect(await store().get(first!.job)).toMatchObject({ state: 'retrying', attempt: 1 });
    });

    test('waiting names each agent with something to do and when its next job is due', async () => {
      await added(store(), [{ runAt: T0 + 9, priority: 5 }, { runAt: T0 + 3 }, { agent: 'b' }, { agent: 'c' }]);
      await claimed(store(), 1, T0, 'c');
      const waiting = await store().waiting();
      expect(waiting.sort((x, y) => x.agent.localeCompare(y.agent))).toEqual([
        { agent: 'a', inMs: 3 },
        { agent: 'b', inMs: 0 },
      ]);
    });
  });

  describe('changes', () => {
    const told: JobChange[] = [];
    /** Resolves when the other host has been told of a change like this. */
    async function received(like: Partial<JobChange>): Promise<void> {
      await expect.poll(() => told).toContainEqual(expect.objectContaining(like));
    }
    beforeEach(() => void told.splice(0));

    test('are told to every host: what waits anew, what ended, what was cancelled', async () => {
      const stop = other().changes((change) => told.push(change));
      const [one, two, three] = await added(store(), [{}, { agent: 'b' }, { agent: 'c', inMs: 50 }]);
      await received({ is: 'queued', agent: 'a', inMs: 0 });
      await received({ is: 'queued', agent: 'c', inMs: 50 });
      const [taken] = await claimed(store());
      await store().settle([done(taken!)]);
      await received({ is: 'ended', job: one! });
      const [running] = await claimed(store(), 1, T0, 'b');
      const why = { code: 'X', message: 'x' };
      await store().cancel(running!.job, why);
      await received({ is: 'cancelled', job: two!, attempt: 1, why });
      await store().cancelMany([three!], why);
      await received({ is: 'cancelled', job: three!, attempt: 0 });
      told.splice(0);
      await store().redrive([three!]);
      await received({ is: 'queued' });
      stop();
    });

    test('of a slot that is decided name the agent of its job', async () => {
      const stop = other().changes((change) => told.push(change));
      await at(T0).decide([{ agent: 'a', due: T0, state: 'ran', job: job({ slot: T0, runAt: T0 }) }]);
      await received({ is: 'queued', agent: 'a' });
      stop();
    });

    test('are on disk when they are told, and are told no more to whoever has stopped', async () => {
      const states: Promise<string | undefined>[] = [];
      const stop = store().changes((change) => {
        if (change.is === 'ended')
          states.push(
            store()
              .get(change.job)
              .then((found) => found?.state),
          );
      });
      await added(store(), [{}, {}]);
      const [one, two] = await claimed(store());
      await store().settle([done(one!), { ...failed(two!), state: 'retrying', inMs: 5 }]);
      await expect.poll(() => states.length).toBe(1);
      expect(await Promise.all(states)).toEqual(['done']);
      stop();
      await store().settle([done((await claimed(store(), 1, T0 + 5))[0]!)]);
      expect(states).toHaveLength(1);
    });
  });
}
