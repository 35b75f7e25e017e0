import type { DatabaseSync } from 'node:sqlite';
import { mergeSeries, type SeriesKind } from '../../../kernel/series.ts';
import type { MetricFilter, MetricSeries, MetricStore } from '../../../telemetry/meter/ports.ts';
import type { AggregateSpan } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';
import { startOf } from './aggregate-rows.ts';
import { POINT_SPANS, unpackPoints } from './metric-points.ts';

interface SeriesRow {
  id: number;
  agent: string;
  name: string;
  labels: string;
  kind: SeriesKind;
}

type Points = MetricSeries['points'];

/** Reads the series of the meter. */
export function metricReads(db: DatabaseSync): Pick<Sync<MetricStore>, 'metrics'> {
  const all = db.prepare(`
    SELECT id, agent, name, labels, kind FROM metric_series
    WHERE (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR name = ?2) ORDER BY agent, name, labels`);
  const row = db.prepare('SELECT points FROM metric_points WHERE span = ? AND start = ? AND series = ?');
  const rolled = db.prepare('SELECT until FROM metric_rolled WHERE span = ?');

  /** The rows of minutes, hours or days from one time until before another. */
  function readRows(span: AggregateSpan, { id, kind }: SeriesRow, from: number, to: number): Points {
    const { pointMs, rowMs } = POINT_SPANS[span];
    const found: Points = [];
    for (let start = startOf(rowMs, from); start < to; start += rowMs) {
      const bytes = (row.get(pointMs, start, id) as { points: Uint8Array } | undefined)?.points;
      for (const { place, value } of bytes ? unpackPoints(bytes, kind) : []) {
        const at = start + place * pointMs;
        if (at >= from && at < to) found.push({ at, value });
      }
    }
    return found;
  }

  /** Points as they are rolled up, and of later spans those of the next size below. */
  function readPoints(span: AggregateSpan, series: SeriesRow, from: number, to: number): Points {
    if (span === 'minute') return readRows(span, series, from, to);
    const { until = to } = (rolled.get(POINT_SPANS[span].pointMs) ?? {}) as { until?: number };
    const parts = span === 'hour' ? 'minute' : 'hour';
    const later = until >= to ? [] : readPoints(parts, series, Math.max(from, until), to);
    return [...readRows(span, series, from, Math.min(to, until)), ...later];
  }

  return {
    metrics({ span, from, to, agent, name }: MetricFilter): MetricSeries[] {
      const rows = all.all(agent === undefined ? null : (agent ?? ''), name ?? null) as unknown as SeriesRow[];
      const { pointMs } = POINT_SPANS[span];
      return rows.flatMap((series) => {
        const points = summed(readPoints(span, series, from, to), pointMs);
        const { agent: of, name: called, labels, kind } = series;
        return points.length === 0 ? [] : [{ agent: of === '' ? null : of, name: called, labels, kind, points }];
      });
    },
  };
}

/** Points of one span as one, oldest first. */
function summed(points: Points, pointMs: number): Points {
  const sums: Points = [];
  for (const { at, value } of points.sort((one, other) => one.at - other.at)) {
    const start = startOf(pointMs, at);
    const last = sums.at(-1);
    if (last?.at === start) mergeSeries(last.value, value);
    else sums.push({ at: start, value });
  }
  return sums;
}
