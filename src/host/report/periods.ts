import { DAY_MS, HOUR_MS } from '../../kernel/measures.ts';
import { mergeSketch, type Sketch, sketchQuantile } from '../../kernel/sketch.ts';
import type { MetricStore } from '../../telemetry/meter/ports.ts';
import type { AggregateFilter, AggregateStore, FigureStore } from '../../telemetry/ports.ts';

interface PeriodNeeds {
  store: Pick<FigureStore, 'agentFigures'> & Pick<AggregateStore, 'durationSketches'> & Pick<MetricStore, 'metrics'>;
}

/** How long an agent's attempts took in a period, ms; null without one that was done. */
export interface AgentSpeed {
  agent: string;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
}

/** Longer periods are read from the aggregates: jobs are too many, and are not kept as long. */
const EXACT_MS = 2 * DAY_MS;

/** How long the attempts of agents took from one time until before another; of periods over two days within 2 %. */
export async function speedsOf({ store }: PeriodNeeds, from: number, to: number): Promise<AgentSpeed[]> {
  if (to - from <= EXACT_MS) return store.agentFigures(from, to);
  const found = await Promise.all(partsOf(from, to).map((part) => store.durationSketches(part)));
  const sums = new Map<string, Sketch>();
  for (const { agent, durations } of found.flat()) {
    const sum = sums.get(agent) ?? new Map<number, number>();
    sums.set(agent, sum);
    mergeSketch(sum, durations);
  }
  return [...sums].map(([agent, sum]) => ({
    agent,
    p50Ms: sketchQuantile(sum, 0.5),
    p95Ms: sketchQuantile(sum, 0.95),
    p99Ms: sketchQuantile(sum, 0.99),
  }));
}

/** The most memory that one worker of each agent held in the period, where any was measured. */
export async function memoryPeaks(
  { store }: PeriodNeeds,
  from: number,
  to: number,
): Promise<ReadonlyMap<string, number>> {
  const found = await Promise.all(partsOf(from, to).map((part) => store.metrics({ ...part, name: 'memory' })));
  const peaks = new Map<string, number>();
  for (const { agent, points } of found.flat()) {
    const levels = points.flatMap(({ value }) => (value.kind === 'gauge' ? [value.most] : []));
    if (agent !== null && levels.length > 0) peaks.set(agent, Math.max(...levels, peaks.get(agent) ?? 0));
  }
  return peaks;
}

/** A period in aggregates: its whole days (by UTC), and the hours before and after them. A month of hours would be a hundred times the rows. */
function partsOf(from: number, to: number): AggregateFilter[] {
  const begin = Math.floor(from / HOUR_MS) * HOUR_MS;
  const first = Math.ceil(begin / DAY_MS) * DAY_MS;
  const last = Math.floor(to / DAY_MS) * DAY_MS;
  if (first >= last) return [{ span: 'hour', from: begin, to }];
  const parts: AggregateFilter[] = [
    { span: 'hour', from: begin, to: first },
    { span: 'day', from: first, to: last },
    { span: 'hour', from: last, to },
  ];
  return parts.filter((part) => part.from < part.to);
}
