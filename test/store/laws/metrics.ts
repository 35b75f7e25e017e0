import { expect, test } from 'vitest';
import { firstValue, mergeSeries, type SeriesValue } from '../../../src/kernel/series.ts';
import { sketchQuantile } from '../../../src/kernel/sketch.ts';
import type { MetricPoint } from '../../../src/telemetry/meter/ports.ts';
import { freshStore, HOUR, MINUTE, type OpenStore } from './world.ts';

const DAY = 24 * HOUR;
/** Midnight, UTC. */
const T0 = Date.UTC(2026, 10, 24);
const point = (minute: number, value: SeriesValue, series: Partial<MetricPoint> = {}): MetricPoint => {
  return { agent: 'a', name: 'orders', labels: '', at: T0 + minute * MINUTE, value, ...series };
};
const times = (...list: number[]): SeriesValue => {
  const value = firstValue('histogram', list[0]!);
  for (const ms of list.slice(1)) mergeSeries(value, firstValue('histogram', ms));
  return value;
};

/** Laws of the series of the meter. */
export function metricLaws(open: OpenStore): void {
  const { store } = freshStore(open);
  const counts = (sums: [minute: number, sum: number][], series: Partial<MetricPoint> = {}) =>
    store().putMetrics(sums.map(([minute, sum]) => point(minute, { kind: 'counter', sum }, series)));
  const rollUp = async (now: number) => {
    while (await store().rollUpMetrics(now, 2));
  };
  async function sums(span: 'minute' | 'hour' | 'day', from = T0 - DAY, to = T0 + 40 * DAY) {
    const [series] = await store().metrics({ span, from, to, agent: 'a', name: 'orders' });
    return (series?.points ?? []).map(({ at, value }) => [(at - T0) / MINUTE, (value as { sum: number }).sum]);
  }

  test('values of one minute add up, whoever measured them, and fractions are kept', async () => {
    await counts([
      [0, 3],
      [1, 0.25],
    ]);
    await counts([[0, 300]]);
    await counts([[59, 2 ** 51]]);
    expect(await sums('minute')).toEqual([
      [0, 303],
      [1, 0.25],
      [59, 2 ** 51],
    ]);
    expect(await sums('minute', T0 + MINUTE, T0 + 2 * MINUTE)).toEqual([[1, 0.25]]);
  });

  test('series are told apart by agent, name, labels and kind, and the host has its own', async () => {
    const labels = '[["shop","north"]]';
    await counts([[0, 1]]);
    await counts([[0, 2]], { labels });
    await counts([[0, 3]], { agent: null });
    await counts([[0, 4]], { name: 'other' });
    await store().putMetrics([point(0, firstValue('gauge', 5))]);
    const found = await store().metrics({ span: 'minute', from: T0, to: T0 + HOUR });
    expect(found.map(({ agent, name, labels: of, kind }) => [agent, name, of, kind])).toEqual([
      [null, 'orders', '', 'counter'],
      ['a', 'orders', '', 'counter'],
      ['a', 'orders', '', 'gauge'],
      ['a', 'orders', labels, 'counter'],
      ['a', 'other', '', 'counter'],
    ]);
    expect(await store().metrics({ span: 'minute', from: T0, to: T0 + HOUR, agent: null })).toHaveLength(1);
    expect(await store().metrics({ span: 'minute', from: T0, to: T0 + HOUR, name: 'other' })).toHaveLength(1);
    expect(await store().metrics({ span: 'minute', from: T0 + HOUR, to: T0 + 2 * HOUR })).toEqual([]);
  });

  test('a gauge keeps its least, its mean and its most; a histogram its quantiles', async () => {
    const gauge: SeriesValue = { kind: 'gauge', count: 4, sum: -2, least: -7.5, most: 4, last: 1 };
    await store().putMetrics([point(0, gauge), point(0, times(10, 10, 1_000), { name: 'took' })]);
    const [level, took] = await store().metrics({ span: 'minute', from: T0, to: T0 + HOUR });
    const value = level!.points[0]!.value as typeof gauge;
    expect([value.least, value.sum / value.count, value.most]).toEqual([-7.5, -0.5, 4]);
    const { sum, sketch } = took!.points[0]!.value as SeriesValue & { kind: 'histogram' };
    expect(sum).toBe(1_020);
    expect(sketchQuantile(sketch, 0.5)).toBeCloseTo(10, -0.3);
    expect(sketchQuantile(sketch, 1)).toBeCloseTo(1_000, -2);
  });

  test('hours and days are right before and after they are rolled up, also where points come late', async () => {
    await counts([
      [0, 1],
      [59, 2],
      [60, 4],
      [24 * 60, 8],
    ]);
    for (const name of ['p', 'q', 'r']) await counts([[0, 1]], { name });
    const hours = [
      [0, 3],
      [60, 4],
      [24 * 60, 8],
    ];
    const days = [
      [0, 7],
      [24 * 60, 8],
    ];
    expect(await sums('hour')).toEqual(hours);
    expect(await sums('day')).toEqual(days);
    await rollUp(T0 + 61 * MINUTE);
    expect(await sums('hour')).toEqual(hours);
    await rollUp(T0 + DAY + HOUR);
    expect([await sums('hour'), await sums('day')]).toEqual([hours, days]);
    await counts([[1, 16]]);
    await rollUp(T0 + DAY + HOUR);
    expect((await sums('hour'))[0]).toEqual([0, 19]);
    expect((await sums('day'))[0]).toEqual([0, 23]);
  });

  test('minutes go before hours, and hours before days', async () => {
    await counts([
      [0, 1],
      [61, 2],
      [40 * 24 * 60, 4],
    ]);
    await rollUp(T0 + 41 * DAY);
    await store().pruneMetrics({ minute: T0 + HOUR, hour: 0, day: 0 });
    expect((await sums('minute', 0, T0 + 41 * DAY)).map(([minute]) => minute)).toEqual([61, 40 * 24 * 60]);
    expect(await sums('hour', 0, T0 + 41 * DAY)).toHaveLength(3);
    await store().pruneMetrics({ minute: T0 + 41 * DAY, hour: T0 + 2 * DAY, day: 0 });
    expect(await sums('hour', 0, T0 + 41 * DAY)).toHaveLength(1);
    expect((await sums('day', 0, T0 + 41 * DAY)).map(([, sum]) => sum)).toEqual([3, 4]);
    await store().pruneMetrics({ minute: T0 + 41 * DAY, hour: T0 + 41 * DAY, day: T0 + 39 * DAY });
    expect((await sums('day', 0, T0 + 41 * DAY)).map(([, sum]) => sum)).toEqual([4]);
  });

  test('takes no number that is none', async () => {
    for (const value of [
      { kind: 'counter', sum: Number.NaN },
      { kind: 'counter', sum: -1 },
      { kind: 'other', sum: 1 },
    ]) {
      await expect(store().putMetrics([point(0, value as SeriesValue)])).rejects.toMatchObject({
        code: 'VALUE_INVALID',
      });
    }
    expect(await sums('minute')).toEqual([]);
  });
}
