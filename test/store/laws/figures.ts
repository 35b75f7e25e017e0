import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { added, claimed, done, failed, freshStore, HOUR, type OpenStore, T0 } from './world.ts';

/** Laws of figures and upkeep. */
export function figureLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);

  describe('figures', () => {
    test('percentiles are exact, of the jobs that were done in the period', async () => {
      await added(
        store(),
        Array.from({ length: 103 }, () => ({})),
      );
      const taken = await claimed(store(), 103);
      const ends = taken
        .slice(0, 100)
        .map((one, i) => done(one, { startedAt: T0, finishedAt: T0 + ((i * 37) % 100) + 1 }));
      await store().settle([
        ...ends,
        done(taken[100]!, { startedAt: T0 - 50_000, finishedAt: T0 }),
        done(taken[101]!, { startedAt: T0, finishedAt: T0 + HOUR }),
        failed(taken[102]!, { startedAt: T0, finishedAt: T0 + 99 }),
      ]);
      expect(await store().agentFigures(T0 + 1, T0 + HOUR)).toEqual([
        { agent: 'a', done: 100, dead: 1, failedAttempts: 1, p50Ms: 50, p95Ms: 95, p99Ms: 99 },
      ]);
      expect(await store().agentFigures(T0 + HOUR, T0 + 2 * HOUR)).toMatchObject([{ done: 1, p50Ms: HOUR }]);
      expect(await store().agentFigures(T0 + 2 * HOUR, T0 + 3 * HOUR)).toEqual([]);
    });

    test('a job that was queued long before the period counts in it', async () => {
      await added(store(), [{}], T0 - 100 * HOUR);
      await added(store(), [{ agent: 'b' }, {}], T0 - HOUR);
      const old = await claimed(store(), 2);
      await store().settle([done(old[1]!, { finishedAt: T0 - HOUR })]);
      await store().settle([done(old[0]!, { finishedAt: T0 + 5 })]);
      expect(await store().agentFigures(T0 - 2 * HOUR, T0 + HOUR)).toMatchObject([{ agent: 'a', done: 2 }]);
      await added(store(), [{}, {}], T0);
      for (const taken of (await claimed(store())).reverse()) await store().settle([done(taken)]);
      expect(await store().agentFigures(T0, T0 + HOUR)).toMatchObject([{ agent: 'a', done: 3 }]);
    });

    test('an agent with failures alone has no percentiles', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      await store().settle([failed(taken!, { state: 'retrying', inMs: HOUR })]);
      expect(await store().agentFigures(T0, T0 + HOUR)).toEqual([
        { agent: 'a', done: 0, dead: 0, failedAttempts: 1, p50Ms: null, p95Ms: null, p99Ms: null },
      ]);
    });

    test('hourFigures are running totals that no refused end touches', async () => {
      await added(store(), [{}, {}, {}, { agent: 'b' }]);
      const [one, two, three] = await claimed(store());
      const [four] = await claimed(store(), 1, T0, 'b');
      await store().settle([
        done(one!),
        done(one!),
        failed(two!, { state: 'retrying', inMs: 10 }),
        failed(three!, { finishedAt: T0 + HOUR }),
        { ...done(four!), state: 'cancelled' },
      ]);
      const [again] = await claimed(store(), 1, T0 + 10);
      await store().settle([done(again!, { finishedAt: T0 + HOUR - 1 })]);
      expect(await store().hourFigures(T0, T0 + 2 * HOUR)).toEqual([
        { agent: 'a', hour: T0, done: 2, dead: 0, failedAttempts: 1 },
        { agent: 'a', hour: T0 + HOUR, done: 0, dead: 1, failedAttempts: 1 },
      ]);
      expect(await store().hourFigures(T0 + HOUR, T0 + HOUR + 1)).toHaveLength(1);
    });

    test('slotFigures count what was kept, missed and skipped', async () => {
      const decide = (due: number, state: 'ran' | 'caught-up' | 'missed' | 'skipped' | 'cancelled', agent = 'a') => ({
        agent,
        due: T0 + due,
        state,
      });
      await at(T0).decide([
        decide(0, 'ran'),
        decide(1, 'caught-up'),
        decide(2, 'missed'),
        decide(3, 'skipped'),
        decide(9, 'ran'),
      ]);
      await at(T0).decide([decide(4, 'cancelled', 'b')]);
      await at(T0).plan([{ agent: 'a', due: T0 + 5 }]);
      const figures = await store().slotFigures(T0, T0 + 9);
      expect(figures.find(({ agent }) => agent === 'a')).toEqual({ agent: 'a', kept: 2, missed: 1, skipped: 1 });
      expect(await store().slotFigures(T0 + 10, T0 + 20)).toEqual([]);
    });
  });

  describe('prune', () => {
    const all = { jobs: T0 + HOUR, slots: T0 + HOUR, events: T0 + HOUR };

    test('deletes what ended before the time, and nothing that is unfinished or younger', async () => {
      const [over, , waiting] = await added(store(), [{}, {}, { runAt: T0 + HOUR }], T0 - HOUR);
      const [one, two] = await claimed(store());
      await at(T0).beginEffect(one!, 'k');
      await store().settle([failed(one!, { finishedAt: T0 }), done(two!, { finishedAt: T0 + HOUR })]);
      await at(T0).decide([
        { agent: 'a', due: T0 - 1, state: 'ran' },
        { agent: 'a', due: T0, state: 'ran' },
      ]);
      await at(T0).plan([{ agent: 'a', due: T0 - 2 }]);
      const event = { kind: 'x', agent: null, message: 'x' };
      await store().append([
        { ...event, at: T0 },
        { ...event, at: T0 + HOUR },
      ]);
      // The job, its slot, the event and that of the dead letter.
      expect(await store().prune(all, 100)).toBe(4);
      expect(await store().get(over!)).toBeUndefined();
      expect((await store().list({ limit: 9 })).map(({ id }) => id)).toEqual([waiting, two!.job]);
      expect((await store().slots({ from: 0, to: T0 + 9 })).map(({ due }) => due)).toEqual([T0 - 2, T0]);
      expect(await store().events({ limit: 9 })).toHaveLength(1);
      expect(await store().prune(all, 100)).toBe(0);
    });

    test('keeps the hourly figures of a year', async () => {
      await added(store(), [{}]);
      const [taken] = await claimed(store());
      await store().settle([done(taken!)]);
      await store().prune({ ...all, jobs: T0 + 365 * 24 * HOUR }, 100);
      expect(await store().hourFigures(T0, T0 + HOUR)).toHaveLength(1);
      await store().prune({ ...all, jobs: T0 + 500 * 24 * HOUR }, 100);
      expect(await store().hourFigures(T0, T0 + HOUR)).toEqual([]);
    });

    test('goes in portions, and never gives an id twice', async () => {
      const ids = await added(
        store(),
        Array.from({ length: 7 }, () => ({})),
      );
      await store().settle((await claimed(store())).map((taken) => done(taken)));
      let gone = 0;
      for (let portion = -1; portion !== 0; gone += portion) {
        portion = await store().prune(all, 2);
        expect(portion).toBeLessThanOrEqual(2);
      }
      expect(gone).toBeGreaterThanOrEqual(6);
      const [next] = await added(store(), [{}]);
      expect(ids).not.toContain(next);
    });
  });

  test('health tells schema, size and what is damaged', async () => {
    await added(store(), [{}]);
    const { schema, bytes, detail } = await store().health();
    expect(schema).toBeGreaterThanOrEqual(1);
    expect(bytes).toBeGreaterThan(0);
    expect(detail).toBeNull();
    expect(await store().health({ thorough: true })).toMatchObject({ schema, detail: null });
  });

  test('a copy holds all jobs, is for this user alone, and overwrites nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'daruma-copy-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await added(store(), [{}, {}]);
    const to = join(folder, 'copy');
    const copy = await store().backUp(to);
    expect(copy).toEqual({ jobs: 2, bytes: statSync(to).size });
    expect(statSync(to).mode & 0o777).toBe(0o600);
    await expect(store().backUp(to)).rejects.toMatchObject({ plain: { code: 'STORE_COPY_EXISTS', file: to } });
    expect(statSync(to).size).toBe(copy.bytes);
    expect(readdirSync(folder)).toEqual(['copy']);
  });
}
