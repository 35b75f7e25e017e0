import { type Bounds, isWithin, shown } from './bounds.ts';
import type { UnitProblem } from './units.ts';

/**
 * Times that ISO 8601 writes with a year of four digits in every zone, from 0001-01-02 to 9999-12-30, in epoch ms. Times
 * within these bounds can be stored, compared as texts and shown; `Date` ends at 8.64e15, and above 2^53 a number is not exact
 * any more.
 */
export const INSTANTS: Bounds = { least: -62_135_510_400_000, most: 253_402_128_000_000 };

/** Whether it is a time in epoch ms that can be stored and shown. */
export function isInstant(at: unknown): at is number {
  return isWithin(at, INSTANTS);
}

/**
 * `2026-11-21T02:00:00.000Z`. Never throws: a number that is no time becomes `no time: 8.7e+15`, which no reader
 * takes for a time.
 */
export function isoOf(at: number): string {
  const whole = Math.floor(at);
  return isInstant(whole) ? new Date(whole).toISOString() : `no time: ${shown(at)}`;
}

/** Like {@link isoOf}; null stays null. */
export function isoOrNull(at: number | null | undefined): string | null {
  return at == null ? null : isoOf(at);
}

const ISO = /^\d{4}-\d{2}-\d{2}(?:[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2}))?$/;

/** The epoch ms of an ISO 8601 time with its offset, or of a date (its beginning in UTC); or what is wrong. */
export function readInstant(said: unknown): number | UnitProblem {
  const at = typeof said === 'string' && said.length <= 40 && ISO.test(said) ? Date.parse(said) : Number.NaN;
  if (Number.isNaN(at)) return 'is no time in ISO 8601 such as 2026-11-22T07:00:00Z';
  return isInstant(at) ? at : 'is a time before the year 1 or after 9999';
}
