import { HOUR_MS } from '../../kernel/measures.ts';
import type { FigureStore } from '../../telemetry/ports.ts';

/** Jobs of an agent that ended in an hour; of an hour in which a period begins or ends, those within the period. */
export type HourCount = Awaited<ReturnType<FigureStore['hourFigures']>>[number];

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
