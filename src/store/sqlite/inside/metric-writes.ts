import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../kernel/measures.ts';
import { mergeSeries, type SeriesKind, type SeriesValue } from '../../../kernel/series.ts';
import type { MetricPoint, MetricStore } from '../../../telemetry/meter/ports.ts';
import type { AggregateSpan } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';
import { POINT_SPANS, packPoints, type RowPoint, unpackPoints } from './metric-points.ts';
import { countsOf, MINUTE_COLUMNS, type MinuteRow, pointsOfCounts, startOf } from './minute-rows.ts';
import type { MinuteCounts } from './minutes.ts';

type Writes = Pick<Sync<MetricStore>, 'putMetrics' | 'rollUpMetrics' | 'pruneMetrics'>;

/** The time for which minutes, and hours, of before the newest rolled up hour are surely there. Older points go to the next span at once. */
const SURE_MS = { minute: 47 * HOUR_MS, hour: 89 * DAY_MS } as const;

/** The span to which a point of that time goes, when the newest minutes are of another. */
export function spanOf(at: number, newest: number): AggregateSpan {
  if (at >= startOf(HOUR_MS, newest - SURE_MS.minute)) return 'minute';
  return at >= startOf(DAY_MS, newest - SURE_MS.hour) ? 'hour' : 'day';
}

/** Adds points to their series. */
interface PointAppender {
  /** `newest`: when the newest minutes are. Default: the hours that are rolled up say it. */
  append(points: Iterable<MetricPoint>, newest?: number): void;
  /** Series may have been deleted: their numbers are read again. */
  forget(): void;
}

export function pointAppender(db: DatabaseSync): PointAppender {
  const idOf = seriesIds(db);
  const append = db.prepare(`
    INSERT INTO metric_points (span, start, series, points) VALUES (?, ?, ?, ?)
    ON CONFLICT (span, start, series) DO UPDATE SET points = CAST(points || excluded.points AS BLOB)`);
  const rolledUntil = db.prepare('SELECT until FROM metric_rolled WHERE span = ?');
  const begin = db.prepare('INSERT OR IGNORE INTO metric_rolled VALUES (?, ?, 0)');
  const rollAgain = db.prepare('UPDATE metric_rolled SET until = ?2, series = 0 WHERE span = ?1 AND until > ?2');

  return {
    append(points, newest) {
      const until = (rolledUntil.get(HOUR_MS) as { until: number } | undefined)?.until;
      const changed = { hour: new Set<number>(), day: new Set<number>() };
      for (const { at, value, ...series } of points) {
        const span = spanOf(at, newest ?? until ?? at);
        const { pointMs, rowMs } = POINT_SPANS[span];
        const start = startOf(rowMs, at);
        const place = Math.floor((at - start) / pointMs);
        append.run(pointMs, start, idOf(series, value.kind, at), packPoints([{ place, value }]));
        if (span === 'minute') changed.hour.add(startOf(HOUR_MS, at));
        if (span !== 'day') changed.day.add(startOf(DAY_MS, at));
      }
      // A clock that went back, or a host before that was late, changes hours and days that are rolled up.
      for (const [span, starts] of Object.entries(changed)) {
        const { pointMs } = POINT_SPANS[span as 'hour' | 'day'];
        for (const start of starts) {
          begin.run(pointMs, start);
          rollAgain.run(pointMs, start);
        }
      }
    },
    forget: () => idOf.forget(),
  };
}

/** Writes the series of the meter. `minutes`: counts that become series when their minutes are over. */
export function metricWrites(db: DatabaseSync, minutes: Pick<MinuteCounts, 'forgetRows'>): Writes {
  const appender = pointAppender(db);
  const prune = db.prepare('DELETE FROM metric_points WHERE span = ? AND start < ?');
  const pruneSeries = db.prepare('DELETE FROM metric_series WHERE seen < ?');
  const counted = db.prepare(`SELECT ${MINUTE_COLUMNS} FROM minute_count WHERE start < ? ORDER BY start LIMIT ?`);
  const taken = db.prepare('DELETE FROM minute_count WHERE start = ? AND agent = ? AND version = ?');
  const rollUp = rollUps(db);

  /** Turns counts of minutes that are over into points. False: there are none. */
  function takeMinutes(now: number, limit: number): boolean {
    const rows = counted.all(startOf(MINUTE_MS, now), limit) as unknown as MinuteRow[];
    for (const row of rows) {
      const { start: at, agent, version } = row;
      appender.append(pointsOfCounts({ agent, version, at }, countsOf(row)));
      taken.run(at, agent, version);
    }
    if (rows.length > 0) minutes.forgetRows();
    return rows.length > 0;
  }

  return {
    putMetrics: (points) => appender.append(points),
    rollUpMetrics: (now, limit) => takeMinutes(now, limit) || rollUp(now, limit),
    pruneMetrics(before) {
      for (const span of ['minute', 'hour', 'day'] as const) {
        const { pointMs, rowMs } = POINT_SPANS[span];
        prune.run(pointMs, before[span] - rowMs + pointMs);
      }
      // Their newest points are as old as the days.
      pruneSeries.run(Math.floor((before.day - POINT_SPANS.day.rowMs) / DAY_MS));
      appender.forget();
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
