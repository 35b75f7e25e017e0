import { describe, expect, test } from 'vitest';
import { added, claimed, done, failed, freshStore, job, MINUTE, type OpenStore, T0 } from './world.ts';

/** Laws of adding, claiming, leases and giving back. */
export function queueLaws(open: OpenStore): void {
  const store = freshStore(open);

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

    test('answers a key that the agent has used with the first job, also within one batch', async () => {
      const batch = [job({ key: 'k' }), job({ key: 'k' }), job({ agent: 'b', key: 'k' }), job()];
      const [first, again, other, plain] = await store().add(batch, T0);
      expect(first!.isNew).toBe(true);
      expect(again).toMatchObject({ id: first!.id, isNew: false });
      expect(other!.isNew).toBe(true);
      expect(plain!.isNew).toBe(true);
      await store().settle((await claimed(store())).map((taken) => done(taken)));
      expect(await store().add([job({ key: 'k' })], T0 + 1)).toMatchObject([{ id: first!.id, isNew: false }]);
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
      const terms = { owner: 'host', leaseUntil: T0 + MINUTE, now: T0 };
      const [answer, none] = await store().claim(
        [
          { agent: 'a', version: 'v1', limit: 5 },
          { agent: 'nobody', version: 'v1', limit: 5 },
        ],
        terms,
      );
      expect(answer!.assignments).toHaveLength(1);
      expect(answer!.nextAt).toBe(T0 + 20);
      expect(none).toEqual({ agent: 'nobody', assignments: [], nextAt: null });
    });

    test('leaves jobs below the least priority, until there is none', async () => {
      const [low, plain, lower] = await added(store(), [{ priority: -1 }, {}, { priority: -100, runAt: T0 - 9 }]);
      const take = async (leastPriority?: number) => {
        const terms = { owner: 'host', leaseUntil: T0 + MINUTE, now: T0, leastPriority };
        const [answer] = await store().claim([{ agent: 'a', version: 'v', limit: 9 }], terms);
        return { jobs: answer!.assignments.map(({ job }) => job), nextAt: answer!.nextAt };
      };
      expect(await store().waiting(0)).toEqual([{ agent: 'a', nextAt: T0 }]);
      expect(await take(0)).toEqual({ jobs: [plain], nextAt: null });
      expect(await take(0)).toEqual({ jobs: [], nextAt: null });
      expect(await store().waiting(0)).toEqual([]);
      expect(await store().waiting()).toEqual([{ agent: 'a', nextAt: T0 - 9 }]);
      expect(await take()).toEqual({ jobs: [low, lower], nextAt: null });
    });

    test('says that there is more when the limit was reached', async () => {
      await added(store(), [{}, {}, { priority: -5 }]);
      const terms = { owner: 'host', leaseUntil: T0 + MINUTE, now: T0 };
      for (const more of [true, true, false]) {
        const [answer] = await store().claim([{ agent: 'a', version: 'v', limit: 1 }], terms);
        expect(answer!.assignments).toHaveLength(1);
        expect(answer!.nextAt !== null && answer!.nextAt <= T0).toBe(more);
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
      const terms = { owner: 'o', leaseUntil: T0 + MINUTE, now: T0 + 2 };
      const [answer] = await store().claim([{ agent: 'a', version: 'v', limit: 3, staleAfterMs: 1 }], terms);
      expect(answer!.assignments.map(({ job: id }) => id)).toEqual([own]);
      for (const id of [old, retried]) expect(await store().get(id!)).toMatchObject({ error: { code: 'STALE' } });
    });

    test('takes a retrying job when its pause is over', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      await store().settle([failed(taken!, { state: 'retrying', runAt: T0 + MINUTE })]);
      expect(await claimed(store(), 1, T0 + MINUTE - 1)).toEqual([]);
      expect(await claimed(store(), 1, T0 + MINUTE)).toMatchObject([{ job: taken!.job, attempt: 2 }]);
    });
  });

  describe('leases', () => {
    test('renew lengthens what is held and returns what is not', async () => {
      await added(store(), [{}, {}]);
      const [one, two] = await claimed(store());
      await store().settle([done(two!)]);
      const lost = await store().renew([one!, two!, { job: one!.job, attempt: 2 }], T0 + 9 * MINUTE);
      expect(lost).toEqual([two, { job: one!.job, attempt: 2 }]);
      expect(await store().abandoned('host', T0 + 8 * MINUTE)).toEqual([]);
    });

    test('abandoned finds running jobs of other owners and those whose lease is over', async () => {
      const [id] = await added(store(), [{}, { runAt: T0 + MINUTE }]);
      await claimed(store());
      expect(await store().abandoned('host', T0)).toEqual([]);
      expect(await store().abandoned('host', T0 + MINUTE)).toMatchObject([{ id, state: 'running', attempt: 1 }]);
      expect(await store().abandoned('next host', T0)).toMatchObject([{ id }]);
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
      await store().settle([failed(again!, { state: 'retrying', runAt: T0 })]);
      const [second] = await claimed(store());
      await store().release([second!, { job: 'job-unknown', attempt: 1 }, { job: second!.job, attempt: 7 }]);
      expect(await store().get(first!.job)).toMatchObject({ state: 'retrying', attempt: 1, cause: 'f-broken' });
      await store().release([second!]);
      expect(await store().get(first!.job)).toMatchObject({ state: 'retrying', attempt: 1 });
    });

    test('setBack makes nothing wait for a clock that was set back, and keeps the later times that were asked for', async () => {
      const [due, retrying, later, over] = await added(store(), [
        { runAt: T0 + 9 },
        { runAt: T0, priority: 9 },
        { runAt: T0 + 2 * MINUTE },
        { runAt: T0, priority: 8 },
      ]);
      const [first, second] = await claimed(store(), 2, T0);
      await store().settle([failed(first!, { state: 'retrying', runAt: T0 + MINUTE + 20 }), done(second!)]);
      // A minute back: what was due at 9 of it is so again, in its order.
      expect(await store().setBack(T0 + MINUTE, T0)).toBe(2);
      expect(await store().get(due!)).toMatchObject({ state: 'queued', runAt: T0 + 9 - MINUTE });
      expect(await store().get(retrying!)).toMatchObject({ state: 'retrying', runAt: T0 + 20 });
      expect(await store().get(later!)).toMatchObject({ state: 'queued', runAt: T0 + 2 * MINUTE });
      expect(await store().get(over!)).toMatchObject({ state: 'done' });
      expect(await store().setBack(T0 + MINUTE, T0 + 30)).toBe(0);
    });

    test('waiting names each agent with something to do and when its next job is due', async () => {
      await added(store(), [{ runAt: T0 + 9, priority: 5 }, { runAt: T0 + 3 }, { agent: 'b' }, { agent: 'c' }]);
      await claimed(store(), 1, T0, 'c');
      const waiting = await store().waiting();
      expect(waiting.sort((x, y) => x.agent.localeCompare(y.agent))).toEqual([
        { agent: 'a', nextAt: T0 + 3 },
        { agent: 'b', nextAt: T0 },
      ]);
    });
  });
}
