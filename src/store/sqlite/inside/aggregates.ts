import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../kernel/measures.ts';
import { addToSketch, type Sketch, sketchQuantile } from '../../../kernel/sketch.ts';
import type { Aggregate, AggregateFilter, AggregateStore } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';
import {
  AGGREGATE_COLUMNS,
  type AggregateCounts,
  type AggregateRow,
  aggregateRows,
  countsOf,
  mergeCounts,
  noCounts,
  SPAN_MS,
  startOf,
} from './aggregate-rows.ts';
import type { MinuteCounts } from './minutes.ts';

type Writes = Pick<Sync<AggregateStore>, 'rollUp' | 'sumUpPast' | 'pruneAggregates' | 'putMemoryPeaks'>;
type Reads = Pick<Sync<AggregateStore>, 'aggregates' | 'aggregateSums' | 'durationSketches'>;

/** Jobs that ended so long ago are summed up to hours: their minutes would soon be deleted. */
const PAST_MINUTES_MS = 47 * HOUR_MS;

export function aggregateWrites(db: DatabaseSync, minutes: MinuteCounts): Writes {
  const rows = aggregateRows(db);
  const within = db.prepare(
    `SELECT ${AGGREGATE_COLUMNS} FROM aggregate WHERE span = ? AND start >= ? AND start < ? ORDER BY agent`,
  );
  const prune = db.prepare('DELETE FROM aggregate WHERE span = ? AND start < ?');
  const sumUpPast = pastSums(db);

  return {
    rollUp(span, at) {
      const [spanMs, partMs] = span === 'day' ? [DAY_MS, HOUR_MS] : [HOUR_MS, MINUTE_MS];
      const start = startOf(spanMs, at);
      const sums = sumsByAgent(within.all(partMs, start, start + spanMs) as unknown as AggregateRow[]);
      for (const [agent, counts] of sums) rows.put(spanMs, start, agent, counts);
    },
    sumUpPast(limit) {
      const isMore = sumUpPast(limit);
      minutes.forgetRows();
      return isMore;
    },
    pruneAggregates(before) {
      // Whole spans of the next size are deleted: a part of an hour must never be rolled up as if it were the whole.
      prune.run(MINUTE_MS, startOf(HOUR_MS, before.minute));
      prune.run(HOUR_MS, startOf(DAY_MS, before.hour));
      prune.run(DAY_MS, before.day);
      minutes.forgetRows();
    },
    putMemoryPeaks(peaks) {
      for (const { agent, at, bytes } of peaks) minutes.memory(agent, at, bytes);
    },
  };
}

interface PastJob {
  id: number;
  agent: string;
  state: string;
  startedAt: number | null;
  finishedAt: number;
}

/** Sums up jobs that had ended when the table came, some rows at a time. True: there are more. */
function pastSums(db: DatabaseSync): (limit: number) => boolean {
  const next = db.prepare('SELECT next_job AS next, last_job AS last, before FROM aggregate_past');
  const advance = db.prepare('UPDATE aggregate_past SET next_job = ?');
  const over = db.prepare('DELETE FROM aggregate_past');
  const jobs = db.prepare(`
    SELECT id, agent, state, started_at AS startedAt, finished_at AS finishedAt FROM job
    WHERE id BETWEEN ? AND ? AND state IN ('done', 'dead') AND finished_at < ?`);
  const failures = db.prepare(`
    SELECT agent, finished_at AS finishedAt FROM attempt WHERE job BETWEEN ? AND ? AND finished_at < ?`);
  const rows = aggregateRows(db);

  return (limit) => {
    const from = next.get() as { next: number; last: number; before: number } | undefined;
    if (!from) return false;
    const sums = new Map<string, { spanMs: number; start: number; agent: string; counts: AggregateCounts }>();
    const countsAt = (agent: string, at: number) => {
      const spanMs = at >= startOf(HOUR_MS, from.before - PAST_MINUTES_MS) ? MINUTE_MS : HOUR_MS;
      const start = startOf(spanMs, at);
      const key = `${spanMs} ${start} ${agent}`;
      const sum = sums.get(key) ?? { spanMs, start, agent, counts: noCounts() };
      sums.set(key, sum);
      return sum.counts;
    };
    const last = Math.min(from.next + limit - 1, from.last);
    for (const job of jobs.all(from.next, last, from.before) as unknown as PastJob[]) {
      const counts = countsAt(job.agent, job.finishedAt);
      if (job.state === 'dead') counts.dead++;
      else {
        counts.done++;
        addToSketch(counts.durations, job.finishedAt - (job.startedAt ?? job.finishedAt));
      }
    }
    for (const { agent, finishedAt } of failures.all(from.next, last, from.before) as unknown as PastJob[]) {
      countsAt(agent, finishedAt).failedAttempts++;
    }
    for (const { spanMs, start, agent, counts } of sums.values()) {
      const row = rows.get(spanMs, start, agent);
      mergeCounts(row, counts);
      rows.put(spanMs, start, agent, row);
    }
    if (last === from.last) over.run();
    else advance.run(last + 1);
    return last < from.last;
  };
}

export function aggregateReads(db: DatabaseSync): Reads {
  const all = db.prepare(`
    SELECT ${AGGREGATE_COLUMNS} FROM aggregate WHERE span = ?1 AND start >= ?2 AND start < min(?3, ?4)
    UNION ALL
    SELECT ${AGGREGATE_COLUMNS} FROM aggregate WHERE span = ${MINUTE_MS} AND start >= max(?2, ?4) AND start < ?3`);
  function rowsOf({ span, from, to, minutesFrom = to, agent }: AggregateFilter): AggregateRow[] {
    const found = all.all(SPAN_MS[span], from, to, minutesFrom) as unknown as AggregateRow[];
    return agent === undefined ? found : found.filter((row) => row.agent === agent);
  }

  return {
    aggregates: (filter) =>
      [...Map.groupBy(rowsOf(filter), ({ start }) => startOf(SPAN_MS[filter.span], start))]
        .sort(([a], [b]) => a - b)
        .flatMap(([start, rows]) => viewsOf(start, rows)),
    aggregateSums: (filter) => viewsOf(filter.from, rowsOf(filter)),
    durationSketches: (filter) =>
      [...sumsByAgent(rowsOf(filter))]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([agent, { durations }]) => ({ agent, durations })),
  };
}

function viewsOf(start: number, rows: readonly AggregateRow[]): Aggregate[] {
  const sums = [...sumsByAgent(rows)].sort(([a], [b]) => (a < b ? -1 : 1));
  return sums.map(([agent, counts]) => viewOf(agent, start, counts));
}

function sumsByAgent(rows: readonly AggregateRow[]): Map<string, AggregateCounts> {
  const sums = new Map<string, AggregateCounts>();
  for (const row of rows) {
    const counts = sums.get(row.agent) ?? noCounts();
    sums.set(row.agent, counts);
    mergeCounts(counts, countsOf(row));
  }
  return sums;
}

function viewOf(agent: string, start: number, counts: AggregateCounts): Aggregate {
  const { done, dead, failedAttempts, durations, lateness, memoryPeak } = counts;
  return {
    agent,
    start,
    done,
    dead,
    failedAttempts,
    p50Ms: quantile(durations, 0.5),
    p95Ms: quantile(durations, 0.95),
    p99Ms: quantile(durations, 0.99),
    lateP95Ms: quantile(lateness, 0.95),
    lateMaxMs: quantile(lateness, 1),
    memoryPeakBytes: memoryPeak,
  };
}

/** Rounds to a tenth of a ms: more digits would look more exact than the sketch is. */
function quantile(sketch: Sketch, p: number): number | null {
  const ms = sketchQuantile(sketch, p);
  return ms === null ? null : Math.round(ms * 10) / 10;
}
