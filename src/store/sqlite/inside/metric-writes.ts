import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS, HOUR_MS } from '../../../kernel/measures.ts';
import { mergeSeries, type SeriesKind, type SeriesValue } from '../../../kernel/series.ts';
import type { MetricPoint, MetricStore } from '../../../telemetry/meter/ports.ts';
import type { Sync } from '../../ports.ts';
import { startOf } from './aggregate-rows.ts';
import { POINT_SPANS, packPoints, type RowPoint, unpackPoints } from './metric-points.ts';

type Writes = Pick<Sync<MetricStore>, 'putMetrics' | 'rollUpMetrics' | 'pruneMetrics'>;

/** Writes the series of the meter. */
export function metricWrites(db: DatabaseSync): Writes {
  const idOf = seriesIds(db);
  const append = db.prepare(`
    INSERT INTO metric_points (span, start, series, points) VALUES (?, ?, ?, ?)
    ON CONFLICT (span, start, series) DO UPDATE SET points = CAST(points || excluded.points AS BLOB)`);
  const firstHour = db.prepare('INSERT OR IGNORE INTO metric_rolled VALUES (?, ?, 0)');
  const rolledAgain = db.prepare('UPDATE metric_rolled SET until = ?2, series = 0 WHERE span = ?1 AND until > ?2');
  const prune = db.prepare('DELETE FROM metric_points WHERE span = ? AND start < ?');
  const pruneSeries = db.prepare('DELETE FROM metric_series WHERE seen < ?');
  const rollUp = rollUps(db);
  const { pointMs, rowMs } = POINT_SPANS.minute;

  return {
    putMetrics(points) {
      const hours = new Set<number>();
      for (const { at, value, ...series } of points) {
        const start = startOf(rowMs, at);
        hours.add(start);
        append.run(
          pointMs,
          start,
          idOf(series, value.kind, at),
          packPoints([{ place: (at - start - (at % pointMs)) / pointMs, value }]),
        );
      }
      for (const hour of hours) {
        firstHour.run(HOUR_MS, hour);
        firstHour.run(DAY_MS, startOf(DAY_MS, hour));
        // A clock that went back, or a host before that was late.
        rolledAgain.run(HOUR_MS, hour);
        rolledAgain.run(DAY_MS, startOf(DAY_MS, hour));
      }
    },
    rollUpMetrics: rollUp,
    pruneMetrics(before) {
      for (const span of ['minute', 'hour', 'day'] as const) {
        const { pointMs: ofPoint, rowMs: ofRow } = POINT_SPANS[span];
        prune.run(ofPoint, before[span] - ofRow + ofPoint);
      }
      // Their newest points are as old as the days.
      pruneSeries.run(Math.floor(before.day / DAY_MS) - 32);
      idOf.forget();
    },
  };
}

/** The numbers of series; a new series gets its number with its first point. */
function seriesIds(db: DatabaseSync) {
  const known = new Map<string, { id: number; day: number }>();
  const find = db.prepare(
    'SELECT id, seen FROM metric_series WHERE agent = ? AND name = ? AND labels = ? AND kind = ?',
  );
  const add = db.prepare('INSERT INTO metric_series (agent, name, labels, kind, seen) VALUES (?, ?, ?, ?, ?)');
  const see = db.prepare('UPDATE metric_series SET seen = ? WHERE id = ?');

  function of({ agent, name, labels }: Omit<MetricPoint, 'at' | 'value'>, kind: SeriesKind, at: number): number {
    const key = `${agent ?? ''}\n${name}\n${labels}\n${kind}`;
    const day = Math.floor(at / DAY_MS);
    const one = known.get(key);
    if (one && one.day >= day) return one.id;
    const row = find.get(agent ?? '', name, labels, kind) as { id: number; seen: number } | undefined;
    const id = row?.id ?? Number(add.run(agent ?? '', name, labels, kind, day).lastInsertRowid);
    if (row && row.seen < day) see.run(day, id);
    known.set(key, { id, day });
    return id;
  }
  return Object.assign(of, { forget: () => known.clear() });
}

interface Rolled {
  until: number;
  series: number;
}

/** Rolls up a part of the oldest hour or day that is over. False: none is left. */
function rollUps(db: DatabaseSync): (now: number, limit: number) => boolean {
  const rolled = db.prepare('SELECT until, series FROM metric_rolled WHERE span = ?');
  const advance = db.prepare('UPDATE metric_rolled SET until = ?2, series = ?3 WHERE span = ?1');
  const next = db.prepare('SELECT min(start) AS start FROM metric_points WHERE span = ? AND start >= ?');
  const parts = db.prepare(`
    SELECT p.series, p.points, s.kind FROM metric_points p JOIN metric_series s ON s.id = p.series
    WHERE p.span = ? AND p.start = ? AND p.series > ? ORDER BY p.series LIMIT ?`);
  const row = db.prepare('SELECT points FROM metric_points WHERE span = ? AND start = ? AND series = ?');
  const put = db.prepare('INSERT OR REPLACE INTO metric_points (span, start, series, points) VALUES (?, ?, ?, ?)');

  function putPoint(span: 'hour' | 'day', at: number, series: number, kind: SeriesKind, value: SeriesValue) {
    const { pointMs, rowMs } = POINT_SPANS[span];
    const start = startOf(rowMs, at);
    const place = (at - start) / pointMs;
    const before = row.get(pointMs, start, series) as { points: Uint8Array } | undefined;
    const others = before ? unpackPoints(before.points, kind).filter((point) => point.place !== place) : [];
    put.run(pointMs, start, series, packPoints([...others, { place, value }]));
  }

  function rollUp(span: 'hour' | 'day', over: number, limit: number): boolean {
    const { pointMs } = POINT_SPANS[span];
    const state = rolled.get(pointMs) as unknown as Rolled | undefined;
    if (!state) return false;
    const partMs = POINT_SPANS[span === 'hour' ? 'minute' : 'hour'].pointMs;
    const { start } = next.get(partMs, state.until) as { start: number | null };
    if (start === null || start + pointMs > over) return false;
    const after = start === state.until ? state.series : 0;
    const found = parts.all(partMs, start, after, limit) as unknown as {
      series: number;
      points: Uint8Array;
      kind: SeriesKind;
    }[];
    for (const { series, points, kind } of found) {
      const value = sumOf(unpackPoints(points, kind));
      if (value) putPoint(span, start, series, kind, value);
    }
    if (found.length < limit) advance.run(pointMs, start + pointMs, 0);
    else advance.run(pointMs, start, found.at(-1)!.series);
    return true;
  }

  // The hours of a day that is over are over, and rolled up before it.
  return (now, limit) => rollUp('hour', now, limit) || rollUp('day', now, limit);
}

/** The points as one; undefined of none. */
function sumOf(points: readonly RowPoint[]): SeriesValue | undefined {
  const [first, ...others] = points;
  for (const { value } of others) mergeSeries(first!.value, value);
  return first?.value;
}
