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

/** Aggregates of a store in memory, which forgets nothing of what it counts but what is pruned: percentiles are exact. */
export function memoryAggregates() {
  const all: Happened[] = [];
  let since: Record<AggregateSpan, number> = { minute: 0, hour: 0, day: 0 };

  function inSpan({ span, from, to, agent }: AggregateFilter) {
    return all.filter((one) => {
      const start = startIn(span, one.at);
      return start >= Math.max(from, since[span]) && start < to && (agent === undefined || one.agent === agent);
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
      for (const peak of peaks) all.push({ ...peak, is: 'memory' });
    },
    sumUpPast: () => false,
  };

  return {
    calls,
    prune(before: Record<AggregateSpan, number>) {
      since = before;
    },
    ended(agent: string, state: string, startedAt: number, at: number) {
      all.push(state === 'done' ? { agent, at, is: 'done', ms: at - startedAt } : { agent, at, is: state as 'dead' });
    },
    late: (agent: string, at: number, ms: number) => void all.push({ agent, at, is: 'late', ms }),
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
