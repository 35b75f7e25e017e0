import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { Time } from '../../kernel/time.ts';
import type { TrendsView } from '../../operations/results/trends.ts';
import type { Ops } from '../../operations/table.ts';
import type { Aggregate, AggregateStore } from '../../telemetry/ports.ts';
import { sharesOf, windowFilter } from '../../telemetry/windows.ts';
import { instantOf } from './known.ts';

interface TrendNeeds {
  time: Time;
  store: Pick<AggregateStore, 'aggregates' | 'aggregateSums'>;
}

/** The operation that reads what agents did, whether the host runs or not. */
export function trendLookup({ time, store }: TrendNeeds) {
  return {
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

function viewSums({ agent: _, start: __, ...sums }: Aggregate) {
  return { ...sums, ...sharesOf(sums) };
}
