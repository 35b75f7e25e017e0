import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../kernel/measures.ts';
import { mergeSketch, type Sketch, sketchOf, sketchText } from '../../../kernel/sketch.ts';
import type { AggregateSpan } from '../../../telemetry/ports.ts';

/** The length of each span in ms, under which its rows are kept. */
export const SPAN_MS: Readonly<Record<AggregateSpan, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** The counts of one agent in one span. */
export interface AggregateCounts {
  done: number;
  dead: number;
  failedAttempts: number;
  /** The durations of attempts that were done. */
  durations: Sketch;
  /** The times from when jobs were due until their first attempts were given out. */
  lateness: Sketch;
  /** The most memory that one worker held, in bytes; null: it was not measured. */
  memoryPeak: number | null;
}

export interface AggregateRow {
  start: number;
  agent: string;
  done: number;
  dead: number;
  failedAttempts: number;
  durations: string;
  lateness: string;
  memoryPeak: number | null;
}

/** The columns of {@link AggregateRow}. */
export const AGGREGATE_COLUMNS =
  'start, agent, done, dead, failed_attempts AS failedAttempts, durations, lateness, memory_peak AS memoryPeak';

export function noCounts(): AggregateCounts {
  return { done: 0, dead: 0, failedAttempts: 0, durations: new Map(), lateness: new Map(), memoryPeak: null };
}

/** Adds what `other` counted. */
export function mergeCounts(counts: AggregateCounts, other: AggregateCounts): void {
  counts.done += other.done;
  counts.dead += other.dead;
  counts.failedAttempts += other.failedAttempts;
  mergeSketch(counts.durations, other.durations);
  mergeSketch(counts.lateness, other.lateness);
  if (other.memoryPeak !== null) counts.memoryPeak = Math.max(counts.memoryPeak ?? 0, other.memoryPeak);
}

/** The counts of a row; an unreadable sketch counts nothing. */
export function countsOf({
  done,
  dead,
  failedAttempts,
  durations,
  lateness,
  memoryPeak,
}: AggregateRow): AggregateCounts {
  const [took, late] = [sketchOf(durations) ?? new Map(), sketchOf(lateness) ?? new Map()];
  return { done, dead, failedAttempts, durations: took, lateness: late, memoryPeak };
}

/** The start of the span in which a time lies. */
export function startOf(spanMs: number, at: number): number {
  return Math.floor(at / spanMs) * spanMs;
}

/** Reads and writes single rows of `aggregate`. */
export function aggregateRows(db: DatabaseSync) {
  const one = db.prepare(`SELECT ${AGGREGATE_COLUMNS} FROM aggregate WHERE span = ? AND start = ? AND agent = ?`);
  const put = db.prepare(`
    INSERT INTO aggregate (span, start, agent, done, dead, failed_attempts, durations, lateness, memory_peak)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (span, start, agent) DO UPDATE SET done = excluded.done, dead = excluded.dead,
      failed_attempts = excluded.failed_attempts, durations = excluded.durations, lateness = excluded.lateness,
      memory_peak = excluded.memory_peak`);
  return {
    get(spanMs: number, start: number, agent: string): AggregateCounts {
      const row = one.get(spanMs, start, agent) as AggregateRow | undefined;
      return row ? countsOf(row) : noCounts();
    },
    put(spanMs: number, start: number, agent: string, counts: AggregateCounts) {
      const { done, dead, failedAttempts, durations, lateness, memoryPeak } = counts;
      put.run(
        spanMs,
        start,
        agent,
        done,
        dead,
        failedAttempts,
        sketchText(durations),
        sketchText(lateness),
        memoryPeak,
      );
    },
  };
}
