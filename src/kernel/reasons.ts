/** Causes that are followed one below the other, and reasons that are named of one AggregateError. */
const DEEPEST = 5;
const MOST = 10;

/** An error among those that a failure is made of. */
export interface Reason {
  value: unknown;
  /** The error is one of an AggregateError's: none of those is the cause alone. */
  isOneOfMany: boolean;
}

/** Whether the value is an Error, of this realm or of another one; a DOMException is. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || (Error as unknown as { isError(value: unknown): boolean }).isError(value);
}

/** All reasons of a thrown value, in order: itself, its cause, the errors of an AggregateError, their causes. */
export function reasonsOf(thrown: unknown): Reason[] {
  const found: Reason[] = [];
  const seen = new Set<unknown>();

  function add(value: unknown, isOneOfMany: boolean, depth: number) {
    if (depth > DEEPEST || seen.has(value)) return;
    if (typeof value === 'object' && value !== null) seen.add(value);
    found.push({ value, isOneOfMany });
    if (!isError(value)) return;
    for (const one of errorsOf(value)) add(one, true, depth + 1);
    if (value.cause !== undefined) add(value.cause, isOneOfMany, depth + 1);
  }

  add(thrown, false, 0);
  return found;
}

/** The first ten errors of an AggregateError; none for any other error. */
export function errorsOf(error: Error): unknown[] {
  const { errors } = error as { errors?: unknown };
  return Array.isArray(errors) ? errors.slice(0, MOST) : [];
}

/**
 * A sentence with all reasons in it: `All promises were rejected: mirror A: 503; mirror B: certificate expired`.
 * Words of an outer message are not repeated.
 */
export function sentenceOf(thrown: unknown): string {
  return sentence(thrown, 0, new Set());
}

function sentence(value: unknown, depth: number, above: Set<unknown>): string {
  if (!isError(value)) return describe(value);
  above.add(value);
  const own = messageOf(value);
  if (depth >= DEEPEST) return own;
  const deeper = (one: unknown) => (above.has(one) ? '' : sentence(one, depth + 1, new Set(above)));
  const { errors } = value as { errors?: unknown };
  const left = Array.isArray(errors) ? errors.length - MOST : 0;
  const many = errorsOf(value).map(deeper).filter(Boolean);
  if (left > 0) many.push(`and ${left} more`);
  const cause = value.cause === undefined ? '' : deeper(value.cause);
  const parts = [own];
  for (const part of [many.join('; '), cause]) if (part && !parts.join(': ').includes(part)) parts.push(part);
  return parts.join(': ');
}

function messageOf(error: Error): string {
  return String(error.message || error.name);
}

/** A value that is no Error, for the middle of a sentence; JSON where that says something. */
export function describe(value: unknown): string {
  try {
    if (typeof value === 'bigint' || typeof value === 'symbol' || value === undefined) return String(value);
    return JSON.stringify(value) ?? `a ${typeof value}`;
  } catch {
    return `a ${typeof value}`;
  }
}
