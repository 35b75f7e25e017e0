import type { Catalog } from '../../catalog/ports.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import { compareStretches, type EarlyWarning, memoryGrowthOf, type Stretch } from '../../telemetry/early-warnings.ts';
import type { Aggregate, AggregateFilter, AggregateStore } from '../../telemetry/ports.ts';
import { fingerprintOfWarning, type SeenWarning } from '../../telemetry/warnings/warning.ts';
import { windowFilter } from '../../telemetry/windows.ts';
import { hourlyRises } from './hourly.ts';
import type { WarningSource } from './warnings.ts';

export interface ComparisonNeeds {
  time: Time;
  store: Pick<AggregateStore, 'aggregates' | 'aggregateSums' | 'durationSketches'>;
  catalog: Pick<Catalog, 'agents'>;
}

/** Days are compared: a look of so long ago is as good as a new one. */
const FRESH_MS = 5 * MINUTE_MS;
const DAYS_BEFORE = 7;
const MEMORY_HOURS = 48;

/** Compares the last 24 hours of each agent with the week before, at most every five minutes. */
export function createComparisons(needs: ComparisonNeeds): WarningSource {
  let latest: { at: number; seen: SeenWarning[] } | undefined;
  return async () => {
    const at = needs.time.monotonic();
    if (!latest || at - latest.at >= FRESH_MS) latest = { at, seen: await compareAgents(needs) };
    return latest.seen;
  };
}

async function compareAgents({ time, store, catalog }: ComparisonNeeds): Promise<SeenWarning[]> {
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
      const { always, limits } = catalog.agents().get(agent)!;
      const rises = hourlyRises(
        agent,
        hoursOf.get(agent) ?? [],
        { timeoutMs: always ? null : limits.timeoutMs },
        time.now(),
      );
      return [...found.map((one) => seenOf(agent, one, time.now())), ...rises];
    });
}

async function stretchesOf(store: ComparisonNeeds['store'], filter: AggregateFilter): Promise<Map<string, Stretch>> {
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

const QUANTITY = { slower: 'duration', failing: 'errors', growing: 'memory' } as const;
const NEXT = {
  slower: (agent: string) => `daruma status ${agent}; the page Trends shows since when`,
  failing: (agent: string) => `daruma logs ${agent} --level error`,
  growing: (agent: string) => `daruma status ${agent} shows its memory; look for what the plugin keeps between jobs`,
};

function seenOf(agent: string, found: EarlyWarning, now: number): SeenWarning {
  const quantity = QUANTITY[found.is];
  return {
    fingerprint: fingerprintOfWarning(quantity, agent),
    ...{ agent, quantity, word: 'rising' },
    text: warningWords(agent, found),
    next: NEXT[found.is](agent),
    hitsAt: found.is === 'growing' ? now + found.leftMs : null,
  };
}

/** `p95 of news-digest is 38 % above last week: 2.1s, was 1.5s (212 runs, 1,480 before)` */
function warningWords(agent: string, warning: EarlyWarning): string {
  if (warning.is === 'growing') {
    return `memory of ${agent} grows by ${formatSize(warning.perHourBytes)} an hour, to its limit`;
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
