import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import type { HostLoadView, TrendsView } from '../../operations/results/trends.ts';
import type { Ops } from '../../operations/table.ts';
import type { MetricSeries, MetricStore } from '../../telemetry/meter/ports.ts';
import type { Aggregate, AggregateStore } from '../../telemetry/ports.ts';
import { sharesOf, windowFilter } from '../../telemetry/windows.ts';
import { instantOf } from './known.ts';

interface TrendNeeds {
  time: Time;
  store: Pick<AggregateStore, 'aggregates' | 'aggregateSums'> & Pick<MetricStore, 'metrics'>;
}

/** The distance of the points of a window. */
const LOAD_STEP_MS = { '24h': 10 * MINUTE_MS, '7d': HOUR_MS, '30d': 6 * HOUR_MS, '90d': DAY_MS };
const WINDOW_MS = { '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS, '90d': 90 * DAY_MS };

/** The operations that read what agents and the host did, whether the host runs or not. */
export function trendLookup({ time, store }: TrendNeeds) {
  return {
    async hostLoad({ window }: Ops['hostLoad']['read']): Promise<HostLoadView> {
      const stepMs = LOAD_STEP_MS[window];
      const to = (Math.floor(time.now() / stepMs) + 1) * stepMs;
      const from = to - WINDOW_MS[window];
      const span = stepMs < HOUR_MS ? 'minute' : stepMs < DAY_MS ? 'hour' : 'day';
      const read = async (name: string) => mostOf(await store.metrics({ span, from, to, agent: null, name }), stepMs);
      const [workers, busy, waiting] = await Promise.all(['workers', 'workers.busy', 'jobs.waiting'].map(read));
      return {
        window,
        from: isoOf(from),
        to: isoOf(to),
        stepMs,
        points: [...workers!].map(([at, most]) => {
          return { at: isoOf(at), workers: most, busy: busy!.get(at) ?? 0, waiting: waiting!.get(at) ?? 0 };
        }),
      };
    },
    async trends({ window, until, agent, points }: Ops['trends']['read']): Promise<TrendsView> {
      const filter = {
        ...windowFilter(window, until === undefined ? time.now() : instantOf(until)),
        ...given({ agent }),
      };
      const [sums, parts] = await Promise.all([
        store.aggregateSums(filter),
        points ? store.aggregates(filter) : Promise.resolve([]),
      ]);
      const pointsOf = Map.groupBy(parts, (part) => part.agent);
      return {
        window,
        from: isoOf(filter.from),
        to: isoOf(filter.to),
        agents: sums
          .filter((sum) => agent !== undefined || !isDrillAgent(sum.agent))
          .map((sum) => ({
            agent: sum.agent,
            ...viewSums(sum),
            ...(points && {
              points: (pointsOf.get(sum.agent) ?? []).map((part) => ({ at: isoOf(part.start), ...viewSums(part) })),
            }),
          })),
      };
    },
  };
}

/** The most of a gauge in each stretch, by its begin. */
function mostOf(series: readonly MetricSeries[], stepMs: number): Map<number, number> {
  const most = new Map<number, number>();
  for (const { at, value } of series.flatMap(({ points }) => points)) {
    const start = at - (at % stepMs);
    if (value.kind === 'gauge') most.set(start, Math.max(most.get(start) ?? 0, value.most));
  }
  return most;
}

function viewSums({ agent: _, start: __, ...sums }: Aggregate) {
  return { ...sums, ...sharesOf(sums) };
}
