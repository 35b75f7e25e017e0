import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/kernel/measures.ts';
import { copySeries, mergeSeries } from '../../../src/kernel/series.ts';
import type { MetricFilter, MetricPoint, MetricSeries } from '../../../src/telemetry/meter/ports.ts';
import type { AggregateSpan } from '../../../src/telemetry/ports.ts';
import type { Calls } from './jobs.ts';

const LENGTHS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
const ROWS = { minute: HOUR_MS, hour: DAY_MS, day: 8 * DAY_MS };

/** Series of a store in memory, which keeps every point as it came. */
export function memoryMetrics(pruned: (before: Record<AggregateSpan, number>) => void): Calls {
  const all: MetricPoint[] = [];
  const since: Record<AggregateSpan, number> = { minute: 0, hour: 0, day: 0 };

  return {
    putMetrics: (points: MetricPoint[]) => void all.push(...points),
    metrics({ span, from, to, agent, name }: MetricFilter): MetricSeries[] {
      const startOf = (at: number) => at - (at % LENGTHS[span]);
      const found = all.filter(
        (point) =>
          startOf(point.at) >= Math.max(from, since[span]) &&
          startOf(point.at) < to &&
          (agent === undefined || point.agent === agent) &&
          (name === undefined || point.name === name),
      );
      const bySeries = Map.groupBy(found, (point) =>
        JSON.stringify([point.agent ?? '', point.name, point.labels, point.value.kind]),
      );
      return [...bySeries].sort().map(([, points]) => {
        const first = points[0]!;
        const bySpan = [...Map.groupBy(points, ({ at }) => startOf(at))].sort(([a], [b]) => a - b);
        return {
          ...{ agent: first.agent, name: first.name, labels: first.labels, kind: first.value.kind },
          points: bySpan.map(([at, of]) => {
            const value = copySeries(of[0]!.value);
            for (const one of of.slice(1)) mergeSeries(value, one.value);
            return { at, value };
          }),
        };
      });
    },
    rollUpMetrics: () => false,
    pruneMetrics(before: Record<AggregateSpan, number>) {
      for (const span of ['minute', 'hour', 'day'] as const) {
        const oldest = before[span] - ROWS[span] + LENGTHS[span];
        since[span] = Math.max(since[span], Math.ceil(oldest / ROWS[span]) * ROWS[span]);
      }
      pruned(since);
    },
  };
}
