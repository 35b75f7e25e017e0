import { BOUNDS, isWithin } from '../kernel/bounds.ts';
import { isInstant } from '../kernel/instant.ts';
import type { Outcome } from './model.ts';

/**
 * The end of an attempt with values that can be stored, whatever its worker's clock says: a library may replace `Date.now`
 * by one that counts fractions, or that does not count at all. Times that are none become `now`; a pause out of its bounds
 * is left to the backoff. An end that is well is given back as it is: nearly all are, and this is asked of each.
 */
export function boundedEnd<End extends Outcome>(end: End, now: number): End {
  const isOdd = end.is === 'failed' && typeof end.retry === 'number' && !isWithin(end.retry, BOUNDS.wait);
  if (!isOdd && isInstant(end.startedAt) && isInstant(end.finishedAt) && end.startedAt <= end.finishedAt) return end;
  const startedAt = instantOr(end.startedAt, now);
  const finishedAt = Math.max(startedAt, instantOr(end.finishedAt, now));
  return { ...end, startedAt, finishedAt, ...(isOdd ? { retry: true } : {}) };
}

function instantOr(at: unknown, now: number): number {
  const whole = typeof at === 'number' ? Math.floor(at) : Number.NaN;
  return isInstant(whole) ? whole : now;
}
