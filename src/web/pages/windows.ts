import type { TrendsView } from '../../control/protocol.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../kernel/measures.ts';

type AgentTrend = TrendsView['agents'][number];
type TrendPoint = NonNullable<AgentTrend['points']>[number];
type TrendWindow = '24h' | '7d' | '30d' | '90d';

/** The windows that trends are asked for, and how they are called. */
export const TREND_WINDOWS: readonly { value: TrendWindow; text: string }[] = [
  { value: '24h', text: '24 h' },
  { value: '7d', text: '7 d' },
  { value: '30d', text: '30 d' },
  { value: '90d', text: '90 d' },
];

/** The window that a query names; undefined for none, and for what is none. */
export function windowOf(said: string | null): TrendWindow | undefined {
  return TREND_WINDOWS.find(({ value }) => value === said)?.value;
}

/** The distance of the points of a window; of longer windows a day. */
const STEPS: Readonly<Record<string, number>> = { '1h': MINUTE_MS, '24h': HOUR_MS, '7d': HOUR_MS };

/** The points of an agent at equal distances over the whole window, undefined where nothing happened; oldest first. */
export function evenPoints({ window, from, to }: TrendsView, { points = [] }: AgentTrend): (TrendPoint | undefined)[] {
  const step = STEPS[window] ?? DAY_MS;
  const begin = Date.parse(from);
  const byPlace = new Map(points.map((point) => [Math.floor((Date.parse(point.at) - begin) / step), point]));
  const places = Math.min(200, Math.max(1, Math.ceil((Date.parse(to) - begin) / step)));
  return Array.from({ length: places }, (_, place) => byPlace.get(place));
}

/** Jobs that ended, in at most `most` stretches of equal length. */
export function stretchesOf(
  points: readonly (TrendPoint | undefined)[],
  most: number,
): { done: number; dead: number }[] {
  const size = Math.ceil(points.length / most);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, at) => {
    const part = points.slice(at * size, (at + 1) * size);
    return {
      done: part.reduce((sum, point) => sum + (point?.done ?? 0), 0),
      dead: part.reduce((sum, point) => sum + (point?.dead ?? 0), 0),
    };
  });
}
