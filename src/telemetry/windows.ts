import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import type { Aggregate, AggregateFilter } from './ports.ts';

/** The length of each window, and the spans of which it is made. */
const TERMS = {
  '1h': { span: 'minute', spanMs: MINUTE_MS, spans: 60 },
  '24h': { span: 'hour', spanMs: HOUR_MS, spans: 24 },
  '7d': { span: 'hour', spanMs: HOUR_MS, spans: 7 * 24 },
  '30d': { span: 'day', spanMs: DAY_MS, spans: 30 },
  '90d': { span: 'day', spanMs: DAY_MS, spans: 90 },
} as const;

/**
 * The aggregates of a window that ends now, whole minutes, hours or days (UTC) with the one that goes on: ask `aggregateSums` for one figure
 * of each agent, `aggregates` for the points of a chart.
 */
export function windowFilter(window: keyof typeof TERMS, now: number): AggregateFilter {
  const { span, spanMs, spans } = TERMS[window];
  const to = (Math.floor(now / spanMs) + 1) * spanMs;
  return { span, from: to - spans * spanMs, to };
}

/** Shares of an agent's jobs and attempts, 0 … 1; null when it had none. */
interface Shares {
  /** Jobs that were done, of those that ended. */
  uptime: number | null;
  /** Attempts that failed, of all. */
  errorRate: number | null;
}

export function sharesOf({ done, dead, failedAttempts }: Pick<Aggregate, 'done' | 'dead' | 'failedAttempts'>): Shares {
  const [jobs, attempts] = [done + dead, done + failedAttempts];
  return { uptime: jobs === 0 ? null : done / jobs, errorRate: attempts === 0 ? null : failedAttempts / attempts };
}
