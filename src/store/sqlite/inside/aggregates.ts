import type { DatabaseSync } from 'node:sqlite';
import { addToSketch, type Sketch, sketchQuantile } from '../../../kernel/sketch.ts';
import type { Aggregate, AggregateFilter, AggregateStore } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';
import { POINT_SPANS } from './metric-points.ts';
import { seriesReader } from './metric-reads.ts';
import { pointAppender, spanOf } from './metric-writes.ts';
import { type AttemptCounts, addToCounts, COUNTED_SERIES, noCounts, pointsOfCounts, startOf } from './minute-rows.ts';
import type { MinuteCounts } from './minutes.ts';

type Writes = Pick<Sync<AggregateStore>, 'sumUpPast' | 'putMemoryPeaks'>;
type Reads = Pick<Sync<AggregateStore>, 'aggregates' | 'aggregateSums' | 'durationSketches'>;

export function aggregateWrites(db: DatabaseSync, minutes: MinuteCounts): Writes {
  return {
    sumUpPast: pastSums(db),
    putMemoryPeaks(peaks) {
      for (const { agent, at, bytes } of peaks) minutes.memory(agent, at, bytes);
    },
  };
}

interface PastJob {
  agent: string;
  version: string | null;
  state: string;
  startedAt: number | null;
  finishedAt: number;
}

/** Sums up jobs that had ended when they began to be counted, some rows at a time. True: there are more. */
function pastSums(db: DatabaseSync): (limit: number) => boolean {
  const next = db.prepare('SELECT next_job AS next, last_job AS last, before FROM aggregate_past');
  const advance = db.prepare('UPDATE aggregate_past SET next_job = ?');
  const over = db.prepare('DELETE FROM aggregate_past');
  const jobs = db.prepare(`
    SELECT agent, version, state, started_at AS startedAt, finished_at AS finishedAt FROM job
    WHERE id BETWEEN ? AND ? AND state IN ('done', 'dead') AND finished_at < ?`);
  const failures = db.prepare(`
    SELECT agent, NULL AS version, finished_at AS finishedAt FROM attempt WHERE job BETWEEN ? AND ? AND finished_at < ?`);
  const appender = pointAppender(db);

  return (limit) => {
    const from = next.get() as { next: number; last: number; before: number } | undefined;
    if (!from) return false;
    const sums = new Map<string, { of: { agent: string; version: string; at: number }; counts: AttemptCounts }>();
    const countsAt = ({ agent, version, finishedAt }: PastJob) => {
      const at = startOf(POINT_SPANS[spanOf(finishedAt, from.before)].pointMs, finishedAt);
      const key = `${at} ${agent} ${version ?? ''}`;
      const sum = sums.get(key) ?? { of: { agent, version: version ?? '', at }, counts: noCounts() };
      sums.set(key, sum);
      return sum.counts;
    };
    const last = Math.min(from.next + limit - 1, from.last);
    for (const job of jobs.all(from.next, last, from.before) as unknown as PastJob[]) {
      // The failed attempts of dead jobs have no version in the store: both are counted as one.
      const counts = countsAt(job.state === 'dead' ? { ...job, version: null } : job);
      if (job.state === 'dead') counts.dead++;
      else {
        counts.done++;
        addToSketch(counts.durations, job.finishedAt - (job.startedAt ?? job.finishedAt));
      }
    }
    for (const attempt of failures.all(from.next, last, from.before) as unknown as PastJob[]) {
      countsAt(attempt).failedAttempts++;
    }
    for (const { of, counts } of sums.values()) appender.append(pointsOfCounts(of, counts), from.before);
    if (last === from.last) over.run();
    else advance.run(last + 1);
    return last < from.last;
  };
}

export function aggregateReads(db: DatabaseSync): Reads {
  const read = seriesReader(db);

  /** Counts by start and agent; with `isOne` by agent alone. */
  function countsOf(
    filter: AggregateFilter,
    isOne: boolean,
    names: readonly string[] = COUNTED_SERIES,
  ): { start: number; agent: string; counts: AttemptCounts }[] {
    const sums = new Map<string, { start: number; agent: string; counts: AttemptCounts }>();
    for (const { agent, name, labels, points } of read({ ...filter, names })) {
      for (const { at, value } of agent === null ? [] : points) {
        const start = isOne ? filter.from : at;
        const key = `${start} ${agent}`;
        const sum = sums.get(key) ?? { start, agent: agent!, counts: noCounts() };
        sums.set(key, sum);
        addToCounts(sum.counts, name, labels, value);
      }
    }
    return [...sums.values()].sort((a, b) => a.start - b.start || (a.agent < b.agent ? -1 : 1));
  }

  return {
    aggregates: (filter) => countsOf(filter, false).map(viewOf),
    aggregateSums: (filter) => countsOf(filter, true).map(viewOf),
    durationSketches: (filter) =>
      countsOf(filter, true, ['duration']).map(({ agent, counts: { durations } }) => ({ agent, durations })),
  };
}

function viewOf({ agent, start, counts }: { agent: string; start: number; counts: AttemptCounts }): Aggregate {
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
