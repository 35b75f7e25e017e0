import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS, HOUR_MS } from '../../kernel/measures.ts';
import { percentile } from '../../kernel/statistics.ts';
import type { FleetStripCell } from '../../plugin/fleet.ts';
import type { AggregateStore, FigureStore } from '../../telemetry/ports.ts';

/** Jobs of an agent that ended in an hour; of an hour in which a period begins or ends, those within the period. */
export type HourCount = Awaited<ReturnType<FigureStore['hourFigures']>>[number];

/** Strips of periods up to two days have a cell for an hour, and tell of the newest day. */
const HOURLY_MS = 2 * DAY_MS;
const MOST_DAYS = 31;
/** The days before a period that say what is usual. */
const USUAL_DAYS = 7;

/**
 * The jobs that ended from one time until before another, by agent and hour. Totals, agents and charts of a report are sums of these
 * rows: no two of its figures are counts of different jobs.
 */
export async function hourCounts(
  store: Pick<FigureStore, 'hourFigures' | 'agentFigures'>,
  from: number,
  to: number,
): Promise<HourCount[]> {
  const first = Math.ceil(from / HOUR_MS) * HOUR_MS;
  const last = Math.floor(to / HOUR_MS) * HOUR_MS;
  const edges: [number, number][] =
    first > last
      ? [[from, to]]
      : [
          [from, first],
          [last, to],
        ];
  const [whole, ...cut] = await Promise.all([
    first < last ? store.hourFigures(first, last) : [],
    ...edges.map(([begin, end]) => (begin < end ? countsIn(store, begin, end) : [])),
  ]);
  return [...whole, ...cut.flat()];
}

async function countsIn(store: Pick<FigureStore, 'agentFigures'>, from: number, to: number): Promise<HourCount[]> {
  const hour = Math.floor(from / HOUR_MS) * HOUR_MS;
  const found = await store.agentFigures(from, to);
  return found.map(({ agent, done, dead, failedAttempts }) => ({ agent, hour, done, dead, failedAttempts }));
}

/** The cells of an agent's strip: the 24 hours before `to`, or the days of a longer period, at most the newest 31. */
export function stripOf(counts: readonly HourCount[], from: number, to: number): FleetStripCell[] {
  const isHourly = to - from <= HOURLY_MS;
  const stepMs = isHourly ? HOUR_MS : DAY_MS;
  const begin = isHourly ? Math.floor(Math.max(from, to - DAY_MS) / HOUR_MS) * HOUR_MS : from;
  const cells = Array.from({ length: Math.ceil((to - begin) / stepMs) }, (_, i) => ({
    at: begin + i * stepMs,
    done: 0,
    dead: 0,
  }));
  for (const { hour, done, dead } of counts) {
    // The hour in which a period begins may have begun before.
    const cell = cells[Math.floor((Math.max(hour, from) - begin) / stepMs)];
    if (!cell) continue;
    cell.done += done;
    cell.dead += dead;
  }
  return cells.slice(-MOST_DAYS).map(({ at, ...rest }) => ({ at: isoOf(at), ...rest }));
}

/** The median of each agent's 95th percentiles of the seven days before (by UTC); ms. An agent without a job in them has none. */
export async function usualP95s(
  store: Pick<AggregateStore, 'aggregates'>,
  before: number,
): Promise<Map<string, number>> {
  const to = Math.floor(before / DAY_MS) * DAY_MS;
  const days = await store.aggregates({ span: 'day', from: to - USUAL_DAYS * DAY_MS, to });
  const byAgent = Map.groupBy(days, ({ agent }) => agent);
  return new Map(
    [...byAgent].flatMap(([agent, rows]): [string, number][] => {
      const usual = percentile(
        rows.flatMap(({ p95Ms }) => (p95Ms === null ? [] : [p95Ms])).sort((a, b) => a - b),
        0.5,
      );
      return usual === null ? [] : [[agent, usual]];
    }),
  );
}
