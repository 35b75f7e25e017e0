import type { Catalog } from '../../catalog/ports.ts';
import type { RisingBudget } from '../../gateway/models/spend-rules.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { WarningView } from '../../operations/results/trends.ts';
import { compareStretches, type EarlyWarning, memoryGrowthOf, type Stretch } from '../../telemetry/early-warnings.ts';
import type { Aggregate, AggregateFilter, AggregateStore } from '../../telemetry/ports.ts';
import { windowFilter } from '../../telemetry/windows.ts';
import { risingWords } from '../bill/billing.ts';

interface WarningNeeds {
  time: Time;
  store: Pick<AggregateStore, 'aggregates' | 'aggregateSums' | 'durationSketches'>;
  catalog: Pick<Catalog, 'agents'>;
  /** Budgets of models that are nearly spent; undefined while the host is down. */
  rising?: () => readonly RisingBudget[];
}

/** The time for which warnings are given again: what they compare are days. */
const FRESH_MS = 5 * MINUTE_MS;
const DAYS_BEFORE = 7;
const MEMORY_HOURS = 48;

/** The operation that warns early, whether the host runs or not. */
export function warningLookup(needs: WarningNeeds): { warnings(): Promise<WarningView[]> } {
  const { rising = () => [] } = needs;
  let latest: { at: number; value: Promise<WarningView[]> } | undefined;
  return {
    async warnings() {
      const at = needs.time.monotonic();
      if (!latest || at - latest.at >= FRESH_MS) latest = { at, value: readWarnings(needs) };
      const mine = latest;
      mine.value.catch(() => {
        if (latest === mine) latest = undefined;
      });
      const spending = rising().map((budget) => ({
        agent: budget.agent,
        is: 'spending' as const,
        text: risingWords(budget),
      }));
      return [...spending, ...(await mine.value)];
    },
  };
}

async function readWarnings({ time, store, catalog }: WarningNeeds): Promise<WarningView[]> {
  const now = windowFilter('24h', time.now());
  // Whole days, UTC, of which the newest had ended when the 24 hours began.
  const end = now.from - (now.from % DAY_MS);
  const [current, before, hours] = await Promise.all([
    stretchesOf(store, now),
    stretchesOf(store, { span: 'day', from: end - DAYS_BEFORE * DAY_MS, to: end }),
    store.aggregates({ span: 'hour', from: now.to - MEMORY_HOURS * HOUR_MS, to: now.to }),
  ]);
  const hoursOf = Map.groupBy(hours, ({ agent }) => agent);
  return [...catalog.agents().keys()]
    .filter((agent) => !isDrillAgent(agent))
    .sort()
    .flatMap((agent) => {
      const [present, past] = [current.get(agent), before.get(agent)];
      const growth = memoryGrowthOf(peaksOf(hoursOf.get(agent) ?? []), catalog.agents().get(agent)!.limits.memoryBytes);
      const found = [...(present && past ? compareStretches(present, past) : []), ...(growth ? [growth] : [])];
      return found.map((one) => ({ agent, is: one.is, text: warningWords(agent, one) }));
    });
}

async function stretchesOf(store: WarningNeeds['store'], filter: AggregateFilter): Promise<Map<string, Stretch>> {
  const [sums, sketches] = await Promise.all([store.aggregateSums(filter), store.durationSketches(filter)]);
  const durationsOf = new Map(sketches.map(({ agent, durations }) => [agent, durations]));
  return new Map(
    sums.map(({ agent, done, failedAttempts }) => [
      agent,
      { done, failedAttempts, durations: durationsOf.get(agent) ?? new Map() },
    ]),
  );
}

function peaksOf(hours: readonly Aggregate[]) {
  return hours.flatMap(({ start, memoryPeakBytes }) =>
    memoryPeakBytes === null ? [] : [{ at: start, value: memoryPeakBytes }],
  );
}

/** `p95 of news-digest is 38 % above last week: 2.1s, was 1.5s (212 runs, 1,480 before)` */
function warningWords(agent: string, warning: EarlyWarning): string {
  if (warning.is === 'growing') {
    const { perHourBytes, leftMs } = warning;
    return `memory of ${agent} grows by ${formatSize(perHourBytes)} an hour: the limit in ${formatDuration(leftMs)}`;
  }
  const { is, now, before, runs, runsBefore } = warning;
  const counts = `(${runs.toLocaleString('en')} runs, ${runsBefore.toLocaleString('en')} before)`;
  if (is === 'slower') {
    const more = Math.round((now / before - 1) * 100);
    return `p95 of ${agent} is ${more} % above last week: ${formatDuration(now)}, was ${formatDuration(before)} ${counts}`;
  }
  return `${percent(now)} % of the attempts of ${agent} fail, ${percent(before)} % last week ${counts}`;
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}
