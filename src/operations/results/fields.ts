/** The kinds of values in results: times are ISO 8601 UTC with milliseconds, durations milliseconds, sizes bytes. */
import * as z from 'zod';
import type { PlainFault } from '../../kernel/fault.ts';

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

/** A JSON value. */
export function json() {
  return z.unknown();
}

/** A failure that people can act on. The type is the kernel's. */
export const faultResult = z
  .strictObject({
    code: z.string().describe('Upper-case words, stable for scripts: SETTINGS_INVALID.'),
    message: z.string().describe('One sentence with the cause in it.'),
    next: z.string().optional().describe('What to do about it: a command or an edit.'),
    file: z.string().optional().describe('Relative to the installation where it is inside.'),
    line: z.int().optional(),
    column: z.int().optional(),
    frame: z.string().optional().describe('The lines around the place, with a marker, ready to print.'),
    stack: z.string().optional(),
    data: z.record(z.string(), json()).optional(),
  })
  .meta({ id: 'Fault', description: 'A failure that people can act on.' }) satisfies z.ZodType<PlainFault>;
