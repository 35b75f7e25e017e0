import { type Bounds, isWithin } from './bounds.ts';

/** Whether a value from outside is of one kind. */
export type Check = (value: unknown) => boolean;

/**
 * The fields that a message has to have, each with its check. Further fields are ignored: a reader takes those that it names.
 */
export type Shape = Readonly<Record<string, Check>>;

/** The name of the first field that does not hold; `''` for what is no object, undefined where all is well. */
export function mismatchOf(value: unknown, shape: Shape): string | undefined {
  if (typeof value !== 'object' || value === null) return '';
  for (const field in shape) {
    if (!shape[field]!((value as Record<string, unknown>)[field])) return field;
  }
  return undefined;
}

/**
 * Checks a message of another process: its kind (`say`) has a shape, and each field fits it. Throws an Error that names kind and
 * field and repeats no value of the message.
 */
export function checkMessage(message: unknown, shapes: Readonly<Record<string, Shape>>): void {
  const say = typeof message === 'object' && message !== null ? (message as { say?: unknown }).say : undefined;
  if (typeof say !== 'string' || !Object.hasOwn(shapes, say)) throw new Error('a message of an unknown kind');
  const field = mismatchOf(message, shapes[say]!);
  if (field !== undefined) throw new Error(`a message "${say}" whose ${field} is out of its bounds`);
}

/** A text of at most so many characters. */
export const textUpTo =
  (longest: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= longest;

/** A whole number within the bounds. */
export const wholeWithin =
  (bounds: Bounds): Check =>
  (value) =>
    isWithin(value, bounds);

/** A number that is not below zero, and finite. */
export const isAmount: Check = (value) => Number.isFinite(value) && (value as number) >= 0;

export const isBoolean: Check = (value) => typeof value === 'boolean';

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

export const orNone =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** An array of at most so many values of a kind. */
export const listOf =
  (check: Check, most: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check);

/** An object of the shape. */
export const shapeOf =
  (shape: Shape): Check =>
  (value) =>
    mismatchOf(value, shape) === undefined;

export const oneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);

/** Levels of arrays and objects that a value may have; SQLite's own JSON ends there, and so do many readers. */
export const DEEPEST_VALUE = 1_000;

/** Whether a text is JSON that is nested no deeper than {@link DEEPEST_VALUE}. */
export function isJsonText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    // A level takes two characters at least.
    return text.length < 2 * DEEPEST_VALUE || isShallow(value, DEEPEST_VALUE);
  } catch {
    return false;
  }
}

/** Whether a value of JSON is nested no deeper than so many levels. */
export function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((part) => isShallow(part, levels - 1));
}
