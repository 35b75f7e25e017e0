import type { PlainFault } from '../../../kernel/fault.ts';
import { isInstant } from '../../../kernel/instant.ts';

/**
 * A row that holds what no reader can take: a time that is none, a text that is not what its column is for. The group of
 * calls sets such rows aside and carries out the call again.
 */
export class UnreadableRow extends Error {
  override readonly name = 'UnreadableRow';
}

/** Whether an error means that a row cannot be read: ours, or Node's for an integer beyond 2^53. */
export function isUnreadable(thrown: unknown): boolean {
  return thrown instanceof UnreadableRow || (thrown as { code?: unknown } | null)?.code === 'ERR_OUT_OF_RANGE';
}

/** Throws {@link UnreadableRow} unless every value is a time that can be shown, or null. */
export function mustBeInstants(...values: readonly (number | null)[]): void {
  for (const value of values) if (value !== null && !isInstant(value)) throw new UnreadableRow(`${value} is no time`);
}

/** The fault of a JSON text; throws {@link UnreadableRow} for anything else. */
export function rowFault(text: string): PlainFault {
  const fault = objectIn(text) as Partial<PlainFault>;
  if (typeof fault.code !== 'string' || typeof fault.message !== 'string') throw new UnreadableRow('no fault');
  return fault as PlainFault;
}

/** The object of a JSON text; throws {@link UnreadableRow} for anything else. */
export function objectIn(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UnreadableRow('no object');
  return value as Record<string, unknown>;
}
