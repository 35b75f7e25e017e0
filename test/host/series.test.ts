import { expect, test } from 'vitest';
import { seriesLookup } from '../../src/host/api/series.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/kernel/measures.ts';
import { firstValue } from '../../src/kernel/series.ts';
import type { MetricFilter, MetricSeries } from '../../src/telemetry/meter/ports.ts';
import type { Aggregate } from '../../src/telemetry/ports.ts';
import { Clock, T0 } from '../clock.ts';

/** A lookup at T0 whose store has these series; what it was asked for is kept. */
function lookup(series: MetricSeries[], rows: Partial<Aggregate>[] = []) {
  const asked: MetricFilter[] = [];
  const store = {
    async metrics(filter: MetricFilter) {
      asked.push(filter);
      return series;
    },
    aggregates: async () => rows as Aggregate[],
  };
  return { asked, read: seriesLookup({ time: new Clock(), store }).series };
}

const counter = (...sums: number[]): MetricSeries => ({
  ...{ agent: 'a', name: 'calls', labels: '[["origin","x"]]', kind: 'counter' },
  points: sums.map((sum, at) => ({ at: T0 - (sums.length - 1 - at) * HOUR_MS, value: { kind: 'counter', sum } })),
});

test.each([
  [2 * HOUR_MS, 'minute', MINUTE_MS],
  [DAY_MS, 'hour', HOUR_MS],
  [60 * DAY_MS, 'day', DAY_MS],
] as const)('%d ms are read in steps of a %s', async (back, span, stepMs) => {
  const { asked, read } = lookup([]);
  const answer = await read({ since: new Date(T0 - back).toISOString() });
  expect(asked).toMatchObject([{ agent: null, span }]);
  expect(answer.stepMs).toBe(stepMs);
  expect(Date.parse(answer.to)).toBeGreaterThan(T0);
});

test('the figure of a counter is that of the last step that is over, and the usual one the median before it', async () => {
  const { series } = await lookup([counter(2, 4, 9, 6, 1)]).read({ agent: 'a' });
  expect(series).toMatchObject([{ name: 'calls', labels: { origin: 'x' }, unit: '', now: 6, usual: 4 }]);
  expect(series[0]!.points.map(({ value }) => value)).toEqual([2, 4, 9, 6, 1]);
});

test('gauges show their mean and histograms their P95, of the step that goes on', async () => {
  const points = (...of: MetricSeries['points'][number]['value'][]) =>
    of.map((value, at) => ({ at: T0 - HOUR_MS + at * HOUR_MS, value }));
  const gauge = { kind: 'gauge', count: 2, sum: 30, least: 10, most: 20, last: 20 } as const;
  const { series } = await lookup([
    { agent: null, name: 'host.memory', labels: '', kind: 'gauge', points: points(firstValue('gauge', 5), gauge) },
    { agent: null, name: 'store.latency', labels: '', kind: 'histogram', points: points(firstValue('histogram', 100)) },
  ]).read({});
  expect(series).toMatchObject([
    { name: 'host.memory', unit: 'bytes', now: 15, usual: 5 },
    { name: 'store.latency', unit: 'ms', usual: null },
  ]);
  expect(series[1]!.now).toBeCloseTo(100, -1);
});

test('what the store counts with the ends of attempts is a series, too; one name alone can be asked for', async () => {
  const row = { start: T0 - HOUR_MS, done: 3, dead: 1, failedAttempts: 2, lateP95Ms: null, memoryPeakBytes: 9 };
  // The store has them as series, too: they are shown once, and memory by its most.
  const memory: MetricSeries = { agent: 'a', name: 'memory', labels: '', kind: 'gauge', points: [] };
  memory.points.push({ at: T0 - HOUR_MS, value: firstValue('gauge', 4) });
  const { read } = lookup([counter(1), memory], [row]);
  expect((await read({ agent: 'a' })).series.map(({ name, now }) => [name, now])).toEqual([
    ['jobs', 3],
    ['jobs.dead', 1],
    ['attempts.failed', 2],
    ['memory', 9],
    ['calls', null],
  ]);
  expect((await read({ agent: 'a', name: 'jobs' })).series).toHaveLength(1);
});
