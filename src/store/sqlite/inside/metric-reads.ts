import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS } from '../../../kernel/measures.ts';
import { mergeSeries, type SeriesKind } from '../../../kernel/series.ts';
import type { MetricFilter, MetricPoint, MetricSeries, MetricStore } from '../../../telemetry/meter/ports.ts';
import type { AggregateSpan } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';
import { POINT_SPANS, unpackPoints } from './metric-points.ts';
import { COUNTED_SERIES, countsOf, MINUTE_COLUMNS, type MinuteRow, pointsOfCounts, startOf } from './minute-rows.ts';

interface SeriesRow {
  id: number;
  agent: string;
  name: string;
  labels: string;
  kind: SeriesKind;
}

type Points = MetricSeries['points'];

/** Series of some names. Default: of all names. */
type SeriesFilter = Omit<MetricFilter, 'name'> & { names?: readonly string[] };

/** Reads the series of the meter. */
export function metricReads(db: DatabaseSync): Pick<Sync<MetricStore>, 'metrics'> {
  const read = seriesReader(db);
  return { metrics: ({ name, ...filter }) => read(name === undefined ? filter : { ...filter, names: [name] }) };
}

/** Reads series with the counts of minutes that are no points yet, by agent, name and labels. */
export function seriesReader(db: DatabaseSync): (filter: SeriesFilter) => MetricSeries[] {
  const all = db.prepare(`
    SELECT id, agent, name, labels, kind FROM metric_series
    WHERE seen >= ?3 AND (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR name IN (SELECT value FROM json_each(?2)))
    ORDER BY agent, name, labels, kind`);
  const counted = countedPoints(db);
  const pointsOf = pointReader(db);

  return (filter) => {
    const { span, from, to, agent, names } = filter;
    const ofAgent = agent === undefined ? null : (agent ?? '');
    const found = new Map<string, MetricSeries>();
    const seen = Math.floor(from / DAY_MS);
    const rows = all.all(ofAgent, names ? JSON.stringify(names) : null, seen) as unknown as SeriesRow[];
    for (const row of rows) {
      const { id: _, ...series } = row;
      const points = pointsOf(span, row, from, to);
      if (points.length > 0) found.set(keyOf(series), { ...series, agent: row.agent || null, points });
    }
    const known = found.size;
    for (const { at, value, ...series } of counted(filter)) {
      const { kind } = value;
      const key = keyOf({ ...series, agent: series.agent ?? '', kind });
      const of = found.get(key) ?? { ...series, kind, points: [] };
      of.points.push({ at, value });
      found.set(key, of);
    }
    const keys = found.size === known ? [...found.keys()] : [...found.keys()].sort();
    return keys.map((key) => {
      const { points, ...series } = found.get(key)!;
      return { ...series, points: summed(points, POINT_SPANS[span].pointMs) };
    });
  };
}

/** Sorts as the statement of the series does. */
function keyOf({ agent, name, labels, kind }: Omit<SeriesRow, 'id'>): string {
  return `${agent}\u0000${name}\u0000${labels}\u0000${kind}`;
}

/** Reads what was counted in minutes that are no points yet. */
function countedPoints(db: DatabaseSync): (filter: SeriesFilter) => MetricPoint[] {
  const ofTime = db.prepare(`SELECT ${MINUTE_COLUMNS} FROM minute_count WHERE start >= ? AND start < ?`);
  return ({ from, to, agent, names }) => {
    if (agent === null || (names && !COUNTED_SERIES.some((name) => names.includes(name)))) return [];
    const rows = ofTime.all(from, to) as unknown as MinuteRow[];
    return rows
      .filter((row) => agent === undefined || row.agent === agent)
      .flatMap((row) => pointsOfCounts({ agent: row.agent, version: row.version, at: row.start }, countsOf(row)))
      .filter(({ name }) => !names || names.includes(name));
  };
}

type PointReader = (span: AggregateSpan, series: SeriesRow, from: number, to: number) => Points;

function pointReader(db: DatabaseSync): PointReader {
  const row = db.prepare('SELECT points FROM metric_points WHERE span = ? AND start = ? AND series = ?');
  const bounds = db.prepare(`
    SELECT (SELECT min(start) FROM metric_points WHERE span = ?1) AS oldest, (SELECT max(start) FROM metric_points WHERE span = ?1) AS newest`);
  const rolled = db.prepare('SELECT until FROM metric_rolled WHERE span = ?');

  /** The rows of minutes, hours or days from one time until before another. */
  function readRows(span: AggregateSpan, { id, kind }: SeriesRow, from: number, to: number): Points {
    const { pointMs, rowMs } = POINT_SPANS[span];
    const found: Points = [];
    const { oldest, newest } = bounds.get(pointMs) as { oldest: number | null; newest: number | null };
    if (oldest === null || newest === null) return found;
    const last = Math.min(to - 1, newest);
    for (let start = Math.max(startOf(rowMs, from), oldest); start <= last; start += rowMs) {
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
  return readPoints;
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
