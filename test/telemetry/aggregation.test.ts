import { expect, test } from 'vitest';
import { silentLog } from '../../src/kernel/log.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/kernel/measures.ts';
import { createAggregation } from '../../src/telemetry/aggregation.ts';
import type { MetricPoint } from '../../src/telemetry/meter/ports.ts';
import { sharesOf, windowFilter } from '../../src/telemetry/windows.ts';
import { Clock, T0 } from '../clock.ts';

test('minutes are written and rolled up each minute, and what is old is deleted at start and each hour', async () => {
  const time = new Clock();
  const calls: string[] = [];
  let past = 3;
  let rolled = 0;
  const points: MetricPoint[] = [];
  const record = (call: string) => async () => void calls.push(call);
  const aggregation = createAggregation({
    time,
    log: silentLog,
    meter: { take: () => points },
    read: async () => void calls.push('read'),
    store: {
      aggregates: async () => [],
      aggregateSums: async () => [],
      durationSketches: async () => [],
      putMemoryPeaks: async (peaks) => void calls.push(`peaks ${peaks.map(({ agent, bytes }) => `${agent} ${bytes}`)}`),
      sumUpPast: async () => {
        calls.push('past');
        return --past > 0;
      },
      putMetrics: async (points) => void calls.push(`metrics ${points.length}`),
      metrics: async () => [],
      rollUpMetrics: async () => {
        calls.push('roll up');
        return ++rolled % 3 !== 0;
      },
      pruneMetrics: record('prune'),
    },
  });
  await aggregation.start();
  await time.pass(0);
  expect(calls.filter((call) => call === 'past')).toHaveLength(3);
  await time.pass(100);
  expect(calls.slice(-4)).toEqual(['roll up', 'roll up', 'roll up', 'prune']);
  calls.length = 0;
  for (const bytes of [5, 9, 7]) aggregation.memory('a', bytes);
  points.length = 450;
  points.fill({ agent: 'a', name: 'x', labels: '', at: T0, value: { kind: 'counter', sum: 1 } });
  // The store has the ends of attempts itself.
  points.push({ ...points[0]!, name: 'attempts' });
  await time.pass(MINUTE_MS);
  expect(calls).toEqual([
    'peaks a 9',
    'read',
    'metrics 200',
    'metrics 200',
    'metrics 50',
    'roll up',
    'roll up',
    'roll up',
  ]);
  calls.length = 0;
  points.length = 0;
  await time.pass(HOUR_MS);
  expect(calls.filter((call) => call === 'prune')).toHaveLength(1);
  await aggregation.stop();
});

test.each(['24h', '7d', '30d', '90d'] as const)(
  'the window %s ends with the hour or the day that goes on, and has as many as it says',
  (window) => {
    const { span, from, to } = windowFilter(window, T0 + 17 * MINUTE_MS);
    const spanMs = span === 'hour' ? HOUR_MS : 24 * HOUR_MS;
    expect(to).toBeGreaterThan(T0 + 17 * MINUTE_MS);
    expect(to % spanMs).toBe(0);
    expect(to - from).toBe(Number.parseInt(window, 10) * (window.endsWith('h') ? HOUR_MS : 24 * HOUR_MS));
  },
);

test('shares are of jobs and of attempts, and nobody has any who did nothing', () => {
  expect(sharesOf({ done: 8, dead: 2, failedAttempts: 12 })).toEqual({ uptime: 0.8, errorRate: 0.6 });
  expect(sharesOf({ done: 0, dead: 0, failedAttempts: 0 })).toEqual({ uptime: null, errorRate: null });
});
