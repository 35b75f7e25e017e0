import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../kernel/measures.ts';
import type { SeriesKind, SeriesValue } from '../../../kernel/series.ts';
import type { Sketch } from '../../../kernel/sketch.ts';
import type { MetricPoint } from '../../../telemetry/meter/ports.ts';
import { POINT_SPANS, packPoints, type RowPoint, readNumber, readValue } from './metric-points.ts';
import { countsOf, type MinuteRow, pointsOfCounts, startOf } from './minute-rows.ts';
import { type ByteReader, readWhole } from './whole-numbers.ts';

/**
 * Work of a step of the schema that SQL cannot do, by the number of the schema that it leads to. A step is done within the transaction of the
 * migration.
 */
export const CARRIES: Readonly<Record<number, (db: DatabaseSync) => void>> = { 21: carryToSeries };

/**
 * Brings the rows of `aggregate` to the series, and points to the form of schema 21: sketches as bits, eight days in a row. The meter had
 * counted ends beside `aggregate` since schema 20: its two series of these go.
 */
function carryToSeries(db: DatabaseSync): void {
  const counted = `(SELECT id FROM metric_series WHERE agent <> '' AND name IN ('attempts', 'duration'))`;
  db.exec(`DELETE FROM metric_points WHERE series IN ${counted}; DELETE FROM metric_series WHERE id IN ${counted}`);
  const put = db.prepare(`
    INSERT INTO metric_points (span, start, series, points) VALUES (?, ?, ?, ?)
    ON CONFLICT (span, start, series) DO UPDATE SET points = CAST(points || excluded.points AS BLOB)`);
  packAgain(db, put);
  beginRollUps(db);
  carryAggregates(db, put);
}

type Put = ReturnType<DatabaseSync['prepare']>;

/** Writes rows of histograms and of days as they are written now. */
function packAgain(db: DatabaseSync, put: Put): void {
  const rows = db
    .prepare(`SELECT p.span, p.start, p.series, p.points, s.kind FROM metric_points p JOIN metric_series s ON s.id = p.series
      WHERE s.kind = 'histogram' OR p.span = ${DAY_MS}`)
    .all() as unknown as { span: number; start: number; series: number; points: Uint8Array; kind: SeriesKind }[];
  const remove = db.prepare('DELETE FROM metric_points WHERE span = ? AND start = ? AND series = ?');
  for (const { span, start, series } of rows) remove.run(span, start, series);
  for (const { span, start, series, points, kind } of rows) {
    for (const { place, value } of unpackBefore(points, kind)) putPoint(put, span, start + place * span, series, value);
  }
}

function putPoint(put: Put, pointMs: number, at: number, series: number, value: SeriesValue): void {
  const { rowMs } = Object.values(POINT_SPANS).find((of) => of.pointMs === pointMs)!;
  const start = startOf(rowMs, at);
  put.run(pointMs, start, series, packPoints([{ place: Math.floor((at - start) / pointMs), value }]));
}

/** Points of schema 20. */
function unpackBefore(bytes: Uint8Array, kind: SeriesKind): RowPoint[] {
  const points: RowPoint[] = [];
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const place = bytes[reader.at++]!;
    const value: SeriesValue =
      kind === 'histogram'
        ? { kind, sum: readNumber(reader), sketch: readSketchBefore(reader) }
        : readValue(reader, kind);
    if (reader.at > bytes.length) break;
    points.push({ place, value });
  }
  return points;
}

/** Reads distances of buckets, with a bit for a count that is not 1. */
function readSketchBefore(reader: ByteReader): Sketch {
  const sketch: Sketch = new Map();
  let bucket = 0;
  for (let left = readWhole(reader); left > 0 && reader.at < reader.bytes.length; left--) {
    const word = readWhole(reader);
    bucket += Math.floor(word / 2);
    sketch.set(bucket, word % 2 === 0 ? 1 : readWhole(reader));
  }
  return sketch;
}

/** Hours before that of the newest counted minute are rolled up; a store that had a meter knows them already. */
function beginRollUps(db: DatabaseSync): void {
  const { newest } = db
    .prepare(`SELECT max(start) AS newest FROM aggregate WHERE span IN (${MINUTE_MS}, ${HOUR_MS})`)
    .get() as { newest: number | null };
  if (newest === null) return;
  const begin = db.prepare('INSERT OR IGNORE INTO metric_rolled VALUES (?, ?, 0)');
  begin.run(HOUR_MS, startOf(HOUR_MS, newest));
  begin.run(DAY_MS, startOf(DAY_MS, newest));
}

type AggregateRow = Omit<MinuteRow, 'version'> & { span: number };

/** Rows of an agent come one after the other: points of a row are written together. */
function carryAggregates(db: DatabaseSync, put: Put): void {
  const rows = db.prepare(`
    SELECT span, start, agent, done, dead, failed_attempts AS failedAttempts, durations, lateness, memory_peak AS memoryPeak
    FROM aggregate WHERE span IN (${MINUTE_MS}, ${HOUR_MS}, ${DAY_MS}) ORDER BY span, agent, start`);
  const idOf = seriesFinder(db);
  let current = '';
  let ofRow = new Map<number, RowPoint[]>();
  let writeRow = () => {};

  for (const row of rows.iterate() as unknown as Iterable<AggregateRow>) {
    const { span, agent, start: at } = row;
    const { rowMs } = Object.values(POINT_SPANS).find(({ pointMs }) => pointMs === span)!;
    const start = startOf(rowMs, at);
    if (current !== `${span} ${agent} ${start}`) {
      writeRow();
      current = `${span} ${agent} ${start}`;
      ofRow = new Map();
      const points = ofRow;
      writeRow = () => points.forEach((of, series) => void put.run(span, start, series, packPoints(of)));
    }
    for (const point of pointsOfCounts({ agent, version: '', at }, countsOf(row))) {
      const series = idOf(point);
      const points = ofRow.get(series) ?? [];
      ofRow.set(series, points);
      points.push({ place: Math.floor((at - start) / span), value: point.value });
    }
  }
  writeRow();
}

/** Numbers of series by their names, as of the newest day that was asked for. */
function seriesFinder(db: DatabaseSync): (point: MetricPoint) => number {
  const find = db.prepare('SELECT id FROM metric_series WHERE agent = ? AND name = ? AND labels = ? AND kind = ?');
  const add = db.prepare('INSERT INTO metric_series (agent, name, labels, kind, seen) VALUES (?, ?, ?, ?, ?)');
  const see = db.prepare('UPDATE metric_series SET seen = max(seen, ?) WHERE id = ?');
  const known = new Map<string, { id: number; day: number }>();
  return ({ agent, name, labels, at, value: { kind } }) => {
    const day = Math.floor(at / DAY_MS);
    const key = `${agent} ${name} ${labels}`;
    const before = known.get(key);
    if (before && before.day >= day) return before.id;
    const found = before ?? (find.get(agent, name, labels, kind) as { id: number } | undefined);
    if (found) see.run(day, found.id);
    const id = found?.id ?? Number(add.run(agent, name, labels, kind, day).lastInsertRowid);
    known.set(key, { id, day });
    return id;
  };
}
