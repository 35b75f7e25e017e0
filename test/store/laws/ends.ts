import { describe, expect, test } from 'vitest';
import { added, claimed, done, failed, freshStore, MINUTE, type OpenStore, T0 } from './world.ts';

const WHY = { code: 'CANCELLED', message: 'not wanted any more' };

/** Laws of ending, cancelling, redriving and dropping. */
export function endLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);

  describe('settle', () => {
    test('the order that cancelled a job is not taken for an end of its attempt, however alike they are', async () => {
      for (const by of ['cancel', 'cancelMany'] as const) {
        const [id] = await added(store(), [{}]);
        const [taken] = await claimed(store());
        await (by === 'cancel' ? store().cancel(id!, WHY) : store().cancelMany([id!], WHY));
        const end = { state: 'cancelled', startedAt: T0, finishedAt: T0, result: null, error: WHY } as const;
        expect(await store().settle([done(taken!, end)])).toEqual([false]);
      }
    });

    test('writes down how a job ended', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      const end = done(taken!, { startedAt: T0 + 1, finishedAt: T0 + 4, result: '{"n":1}', summary: '# fine' });
      expect(await store().settle([end])).toEqual([true]);
      expect(await store().get(taken!.job)).toMatchObject({
        state: 'done',
        startedAt: T0 + 1,
        finishedAt: T0 + 4,
        result: '{"n":1}',
        summary: '# fine',
        error: null,
        cause: null,
        failures: [],
      });
    });

    test('refuses an attempt that does not hold the job, and takes the others of the batch', async () => {
      await added(store(), [{}, {}]);
      const [one, two] = await claimed(store());
      const kept = await store().settle([
        done({ job: one!.job, attempt: 2 }),
        done({ job: 'job-unknown', attempt: 1 }),
        done(two!),
        done(two!, { result: '"late"' }),
        done(one!),
      ]);
      expect(kept).toEqual([false, false, true, false, true]);
      expect((await store().get(two!.job))!.result).toBe('"ok"');
    });

    test('keeps every failed attempt, and forgets the error of a job that is done after all', async () => {
      await added(store(), [{}]);
      const [first] = await claimed(store());
      const error = { code: 'TIMEOUT', message: 'too slow', file: 'plugins/x.ts', line: 3, data: { ms: 5 } };
      await store().settle([failed(first!, { state: 'retrying', inMs: 5, error, cause: 'f-slow' })]);
      expect(await store().get(first!.job)).toMatchObject({ state: 'retrying', runAt: T0 + 5, error, cause: 'f-slow' });
      const [second] = await claimed(store(), 1, T0 + 5);
      await store().settle([done(second!)]);
      const job = await store().get(first!.job);
      expect(job).toMatchObject({ state: 'done', attempt: 2, error: null, cause: null });
      expect(job!.failures).toEqual([{ attempt: 1, startedAt: T0, finishedAt: T0 + 7, worker: 'w1', fault: error }]);
    });

    test('gives an attempt that was held up back: it is in no record and no figure, but its reason is kept', async () => {
      await added(store(), [{ attempts: 2 }]);
      const [first] = await claimed(store());
      const error = { code: 'ORIGIN_DOWN', message: 'https://api.example is down', data: { waitsFor: 'x' } };
      const wait = { state: 'retrying' as const, error, cause: 'f-down' };
      await store().settle([failed(first!, { ...wait, inMs: 5, attempts: 3 })]);
      expect(await store().get(first!.job)).toMatchObject({
        state: 'retrying',
        attempt: 1,
        attempts: 3,
        error,
        failures: [],
      });
      const [second] = await claimed(store(), 1, T0 + 5);
      expect(second).toMatchObject({ attempt: 2, attempts: 3 });
      // The reason is there while the next attempt runs: it says since when the job waits.
      expect((await store().get(first!.job))!.error).toEqual(error);
      await store().settle([failed(second!)]);
      expect((await store().get(first!.job))!.failures.map(({ attempt }) => attempt)).toEqual([2]);
      const [figures] = await store().hourFigures(T0 - 3_600_000, T0 + 3_600_000);
      expect(figures).toMatchObject({ failedAttempts: 1, dead: 1 });
      // What is replayed has what it was given at first.
      await at(T0 + 9).redrive([first!.job]);
      expect(await store().get(first!.job)).toMatchObject({ state: 'queued', attempt: 2, attempts: 4, error: null });
    });

    test('takes a cancelled end, which is no failure', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      const end = {
        job: taken!.job,
        attempt: 1,
        state: 'cancelled' as const,
        startedAt: T0,
        finishedAt: T0,
        error: WHY,
      };
      expect(await store().settle([end])).toEqual([true]);
      expect(await store().get(taken!.job)).toMatchObject({ state: 'cancelled', error: WHY, failures: [] });
    });

    test('changes nothing of a job when its end is written twice: the same end is accepted, any other refused', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      expect(await store().settle([failed(taken!)])).toEqual([true]);
      const before = await store().get(taken!.job);
      const other = failed(taken!, { error: { code: 'ERROR', message: 'it broke otherwise' } });
      expect(await store().settle([failed(taken!), done(taken!), other])).toEqual([true, false, false]);
      expect(await store().get(taken!.job)).toEqual(before);
      const [figures] = await store().hourFigures(T0 - 3_600_000, T0 + 3_600_000);
      expect(figures).toMatchObject({ dead: 1, failedAttempts: 1 });
    });

    test('knows an end that was written down again while the job waits for its next attempt, and no longer', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      const end = failed(taken!, { state: 'retrying', inMs: 5 });
      expect(await store().settle([end])).toEqual([true]);
      expect(await at(T0 + 3).settle([end])).toEqual([true]);
      expect(await store().get(taken!.job)).toMatchObject({ state: 'retrying', runAt: T0 + 5 });
      expect(await claimed(store(), 1, T0 + 5)).toHaveLength(1);
      expect(await store().settle([end])).toEqual([false]);
    });
  });

  describe('cancel', () => {
    test('ends a job that waits and tells what it was', async () => {
      const [id] = await added(store(), [{}]);
      expect(await at(T0 + 1).cancel(id!, WHY)).toMatchObject({ id, state: 'queued' });
      expect(await store().get(id!)).toMatchObject({ state: 'cancelled', error: WHY, finishedAt: T0 + 1 });
      expect(await claimed(store())).toEqual([]);
    });

    test('ends a running job at once, so that its late outcome is refused', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      expect(await at(T0).cancel(taken!.job, WHY)).toMatchObject({ state: 'running', attempt: 1 });
      expect(await store().settle([done(taken!)])).toEqual([false]);
      expect(await store().renew([taken!], MINUTE)).toEqual([taken]);
      expect(await store().get(taken!.job)).toMatchObject({ state: 'cancelled', result: null });
    });

    test('has nothing to do for jobs that ended or are unknown', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      await store().settle([done(taken!)]);
      expect(await at(T0).cancel(taken!.job, WHY)).toBeUndefined();
      expect(await at(T0).cancel('job-unknown', WHY)).toBeUndefined();
      expect(await at(T0).cancel('', WHY)).toBeUndefined();
    });
  });

  describe('redrive', () => {
    test('gives dead and cancelled jobs all their attempts again, and keeps the history', async () => {
      const [dead, cancelled, waiting] = await added(store(), [
        { attempts: 2, priority: 1 },
        { attempts: 3, staleAt: T0 + 5 },
        { agent: 'b' },
      ]);
      const [taken] = await claimed(store(), 1);
      await store().settle([failed(taken!)]);
      await at(T0).cancel(cancelled!, WHY);
      const now = T0 + MINUTE;
      expect(await at(now).redrive([dead!, 'job-unknown', cancelled!, waiting!])).toEqual([dead, cancelled]);
      expect(await store().get(dead!)).toMatchObject({
        state: 'queued',
        attempt: 1,
        attempts: 3,
        runAt: now,
        startedAt: null,
        finishedAt: null,
        error: null,
        cause: null,
        failures: [{ attempt: 1 }],
      });
      const taken2 = await claimed(store(), 9, now);
      expect(taken2).toMatchObject([
        { job: dead, attempt: 2, attempts: 3 },
        { job: cancelled, attempt: 1, attempts: 3 },
      ]);
    });

    test('never lets an attempt of the former life end the new one', async () => {
      await added(store(), [{ attempts: 1 }]);
      const [old] = await claimed(store());
      await at(T0).cancel(old!.job, WHY);
      await at(T0).redrive([old!.job]);
      const [fresh] = await claimed(store());
      expect(fresh!.attempt).toBeGreaterThan(old!.attempt);
      expect(await store().settle([done(old!)])).toEqual([false]);
      expect(await store().settle([failed(fresh!)])).toEqual([true]);
      await at(T0).redrive([old!.job]);
      expect(await claimed(store())).toMatchObject([{ attempt: 3, attempts: 3 }]);
    });
  });

  test('drop takes dead jobs off the dead letters, with the reason, and no others', async () => {
    const [dead, waiting] = await added(store(), [{ priority: 1 }, {}]);
    const [taken] = await claimed(store(), 1);
    await store().settle([failed(taken!)]);
    expect(await at(T0 + 1).drop([waiting!, dead!, 'job-unknown'], WHY)).toEqual([dead]);
    expect(await store().get(dead!)).toMatchObject({ state: 'cancelled', error: WHY, failures: [{ attempt: 1 }] });
    expect(await store().get(waiting!)).toMatchObject({ state: 'queued' });
    expect(await store().deadByCause()).toEqual([]);
    expect(await at(T0 + 2).drop([dead!], WHY)).toEqual([]);
  });
}
