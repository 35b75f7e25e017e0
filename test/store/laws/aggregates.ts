import { expect, test } from 'vitest';
import { sketchCount, sketchQuantile } from '../../../src/kernel/sketch.ts';
import { added, claimed, done, failed, freshStore, HOUR, MINUTE, type OpenStore, T0 } from './world.ts';

const DAY = 24 * HOUR;

/** A length within the error that the port allows. */
const about = (ms: number) => expect.closeTo(ms, -Math.log10(ms * 0.04));

/** Laws of the sums of what agents did. */
export function aggregateLaws(open: OpenStore): void {
  const { store } = freshStore(open);

  /** Ends two jobs of `a` and one of `b` in each of the minutes. */
  async function lived(...minutes: number[]) {
    for (const minute of minutes) {
      const now = T0 + minute * MINUTE;
      await added(store(), [{}, {}, { agent: 'b' }], now - 4_000);
      const mine = await claimed(store(), 2, now);
      const theirs = await claimed(store(), 1, now, 'b');
      await store().settle([
        done(mine[0]!, { startedAt: now, finishedAt: now + 100 }),
        failed(mine[1]!, { startedAt: now, finishedAt: now + 50 }),
        done(theirs[0]!, { startedAt: now, finishedAt: now + 3_000 }),
      ]);
    }
  }

  test('a minute counts each end of an attempt, how long it took and how late it began', async () => {
    await lived(0, 2);
    const [one, other, ...rest] = await store().aggregates({ span: 'minute', from: T0, to: T0 + 2 * MINUTE });
    expect(one).toEqual({
      agent: 'a',
      start: T0,
      ...{ done: 1, dead: 1, failedAttempts: 1 },
      ...{ p50Ms: about(100), p95Ms: about(100), p99Ms: about(100) },
      ...{ lateP95Ms: about(4_000), lateMaxMs: about(4_000), memoryPeakBytes: null },
    });
    expect(other).toMatchObject({ agent: 'b', start: T0, done: 1, dead: 0, failedAttempts: 0, p50Ms: about(3_000) });
    expect(rest).toEqual([]);
    const sketches = await store().durationSketches({ span: 'minute', from: T0, to: T0 + HOUR });
    expect(
      sketches.map(({ agent, durations }) => [agent, sketchCount(durations), sketchQuantile(durations, 1)]),
    ).toEqual([
      ['a', 2, about(100)],
      ['b', 2, about(3_000)],
    ]);
    const ofA = await store().aggregates({ span: 'minute', from: T0, to: T0 + HOUR, agent: 'a' });
    expect(ofA.map(({ start }) => start)).toEqual([T0, T0 + 2 * MINUTE]);
  });

  test('an end that is refused, free or cancelled is not counted; a retry is a failed attempt', async () => {
    await added(store(), [{}, {}, {}]);
    const [one, two, three] = await claimed(store());
    await store().settle([
      done(one!),
      done(one!),
      failed(one!),
      failed(two!, { state: 'retrying', inMs: 10 }),
      { ...done(three!), state: 'cancelled' },
    ]);
    const [again] = await claimed(store(), 1, T0 + 10);
    await store().settle([failed(again!, { state: 'retrying', inMs: 10, attempts: 4 })]);
    const [sum] = await store().aggregateSums({ span: 'minute', from: T0, to: T0 + HOUR });
    expect(sum).toMatchObject({ done: 1, dead: 0, failedAttempts: 1 });
  });

  const rollUp = async (now: number) => {
    while (await store().rollUpMetrics(now, 2));
  };

  test('hours are the sums of minutes and days those of hours, before they are rolled up and after, also where ends come late', async () => {
    const hours = { span: 'hour', from: T0, to: T0 + 2 * HOUR, agent: 'a' } as const;
    const days = { span: 'day', from: T0 - DAY, to: T0 + DAY } as const;
    const looks = async () => {
      const found = await store().aggregates(hours);
      expect(found.map(({ start, done, failedAttempts }) => [start, done, failedAttempts])).toEqual([
        [T0, 2, 2],
        [T0 + HOUR, 1, 1],
      ]);
      expect(await store().aggregateSums(days)).toMatchObject([
        { agent: 'a', start: T0 - DAY, done: 3, dead: 3, p95Ms: about(100) },
        { agent: 'b', start: T0 - DAY, done: 3, dead: 0, p95Ms: about(3_000) },
      ]);
      expect((await store().aggregates({ ...hours, span: 'minute' })).map(({ start, done }) => [start, done])).toEqual([
        [T0, 1],
        [T0 + MINUTE, 1],
        [T0 + 61 * MINUTE, 1],
      ]);
    };
    await lived(0, 1, 61);
    await looks();
    // In the second minute, after an hour and after the day that follows.
    for (const minutes of [1, 60, 62, 120, 48 * 60]) {
      await rollUp(T0 + minutes * MINUTE);
      await looks();
    }
    await lived(2);
    await rollUp(T0 + 2 * DAY);
    expect((await store().aggregates({ span: 'hour', from: T0, to: T0 + 1 }))[0]).toMatchObject({ done: 3 });
    expect(await store().aggregateSums({ ...days, agent: 'a' })).toMatchObject([{ done: 4, dead: 4 }]);
  });

  test('whole hours of minutes and whole days of hours go, and what is left is never made less', async () => {
    const midnight = T0 - (T0 % DAY);
    await lived(0, 90);
    await rollUp(midnight + 2 * DAY);
    await store().pruneMetrics({ minute: T0 + HOUR + 31 * MINUTE, hour: 0, day: 0 });
    const minutes = await store().aggregates({ span: 'minute', from: 0, to: T0 + DAY, agent: 'a' });
    expect(minutes.map(({ start }) => start)).toEqual([T0 + 90 * MINUTE]);
    await rollUp(midnight + 2 * DAY);
    const hours = { span: 'hour', from: 0, to: T0 + DAY, agent: 'a' } as const;
    expect((await store().aggregates(hours)).map(({ done }) => done)).toEqual([1, 1]);
    await store().pruneMetrics({ minute: midnight + 2 * DAY, hour: midnight + 2 * DAY, day: 0 });
    expect(await store().aggregates(hours)).toEqual([]);
    await rollUp(midnight + 3 * DAY);
    const days = { ...hours, span: 'day' } as const;
    expect(await store().aggregates(days)).toMatchObject([{ done: 2 }]);
    await store().pruneMetrics({ minute: 0, hour: 0, day: midnight + 9 * DAY });
    expect(await store().aggregates(days)).toEqual([]);
  });

  test('memory is the most that a worker held', async () => {
    await store().putMemoryPeaks([
      { agent: 'a', at: T0, bytes: 5 },
      { agent: 'a', at: T0 + 1, bytes: 9 },
    ]);
    await store().putMemoryPeaks([{ agent: 'a', at: T0 + 2, bytes: 7 }]);
    await lived(0);
    const [minute] = await store().aggregates({ span: 'minute', from: T0, to: T0 + 1 });
    expect(minute).toMatchObject({ agent: 'a', done: 1, memoryPeakBytes: 9 });
  });
}
