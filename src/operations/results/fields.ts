/** The kinds of values in results: times are ISO 8601 UTC with milliseconds, durations milliseconds, sizes bytes. */
import { z } from 'zod';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** `2026-11-22T07:00:00.000Z`. */
export function time() {
  return z.string().regex(INSTANT).meta({ format: 'date-time' });
}

/** A duration in ms. */
export function ms() {
  return z.number().min(0);
}

/** A size in bytes. */
export function bytes() {
  return z.int().min(0);
}

/** A whole number of something. */
export function countResult() {
  return z.int().min(0);
}

/** Any JSON value. */
export function json() {
  return z.unknown();
}
