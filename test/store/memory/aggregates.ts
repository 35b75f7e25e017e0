import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/kernel/measures.ts';
import { addToSketch, type Sketch } from '../../../src/kernel/sketch.ts';
import { percentile } from '../../../src/kernel/statistics.ts';
import type { Aggregate, AggregateFilter, AggregateSpan } from '../../../src/telemetry/ports.ts';
import type { Calls } from './jobs.ts';

/** One thing that is counted, as it happened. */
type Happened = { agent: string; at: number } & (
  | { is: 'done'; ms: number }
  | { is: 'dead' | 'retrying' }
  | { is: 'late'; ms: number }
  | { is: 'memory'; bytes: number }
);

const LENGTHS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
const startIn = (span: AggregateSpan, at: number) => Math.floor(at / LENGTHS[span]) * LENGTHS[span];

/** Aggregates of a store in memory, which forgets nothing of what it counts: percentiles are exact. */
export function memoryAggregates() {
  let minutes: Happened[] = [];
  const rolled = { hour: new Map<number, Happened[]>(), day: new Map<number, Happened[]>() };

  function inSpan({ span, from, to, minutesFrom = to, agent }: AggregateFilter) {
    const sums = span === 'minute' ? minutes : [...rolled[span].values()].flat();
    const all = [...sums.filter(({ at }) => at < minutesFrom), ...minutes.filter(({ at }) => at >= minutesFrom)];
    return all.filter((one) => {
      const start = startIn(span, one.at);
      return start >= from && start < to && (agent === undefined || one.agent === agent);
    });
  }

  const calls: Calls = {
    aggregates: (filter: AggregateFilter) =>
      [...Map.groupBy(inSpan(filter), ({ agent, at }) => JSON.stringify([startIn(filter.span, at), agent]))]
        .map(([key, of]) => viewOf(JSON.parse(key)[1], JSON.parse(key)[0], of))
        .sort((a, b) => a.start - b.start || (a.agent < b.agent ? -1 : 1)),
    aggregateSums: (filter: AggregateFilter) =>
      [...Map.groupBy(inSpan(filter), ({ agent }) => agent)]
        .map(([agent, of]) => viewOf(agent, filter.from, of))
        .sort((a, b) => (a.agent < b.agent ? -1 : 1)),
    durationSketches: (filter: AggregateFilter) =>
      [...Map.groupBy(inSpan(filter), ({ agent }) => agent)]
        .map(([agent, of]) => {
          const durations: Sketch = new Map();
          for (const one of of) if (one.is === 'done') addToSketch(durations, one.ms);
          return { agent, durations };
        })
        .sort((a, b) => (a.agent < b.agent ? -1 : 1)),
    putMemoryPeaks(peaks: { agent: string; at: number; bytes: number }[]) {
      for (const peak of peaks) minutes.push({ ...peak, is: 'memory' });
    },
    rollUp(span: 'hour' | 'day', at: number) {
      const start = startIn(span, at);
      const parts = span === 'hour' ? minutes : [...rolled.hour.values()].flat();
      const found = parts.filter((one) => startIn(span, one.at) === start);
      if (found.length > 0) rolled[span].set(start, found);
    },
    sumUpPast: () => false,
    pruneAggregates(before: Record<AggregateSpan, number>) {
      minutes = minutes.filter(({ at }) => at >= startIn('hour', before.minute));
      for (const start of rolled.hour.keys()) if (start < startIn('day', before.hour)) rolled.hour.delete(start);
      for (const start of rolled.day.keys()) if (start < before.day) rolled.day.delete(start);
    },
  };

  return {
    calls,
    ended(agent: string, state: string, startedAt: number, at: number) {
      minutes.push(
        state === 'done' ? { agent, at, is: 'done', ms: at - startedAt } : { agent, at, is: state as 'dead' },
      );
    },
    late: (agent: string, at: number, ms: number) => void minutes.push({ agent, at, is: 'late', ms }),
  };
}

function viewOf(agent: string, start: number, of: readonly Happened[]): Aggregate {
  const count = (...kinds: Happened['is'][]) => of.filter(({ is }) => kinds.includes(is)).length;
  const lengths = (kind: 'done' | 'late') => of.flatMap((one) => (one.is === kind ? one.ms : [])).sort((a, b) => a - b);
  const [took, late] = [lengths('done'), lengths('late')];
  const peaks = of.flatMap((one) => (one.is === 'memory' ? one.bytes : []));
  return {
    agent,
    start,
    done: count('done'),
    dead: count('dead'),
    failedAttempts: count('dead', 'retrying'),
    p50Ms: percentile(took, 0.5),
    p95Ms: percentile(took, 0.95),
    p99Ms: percentile(took, 0.99),
    lateP95Ms: percentile(late, 0.95),
    lateMaxMs: percentile(late, 1),
    memoryPeakBytes: peaks.length > 0 ? Math.max(...peaks) : null,
  };
}
