import { sha256 } from './sha256.ts';

/** The value at a path such as `order.id` in a JSON value; undefined: there is none. Names of JavaScript's own objects are none. */
export function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const step of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}

/** The longest key that is kept as it is, in characters. */
const LONGEST_KEY = 200;

/**
 * The key of an input by the value at a path: the value as text of JSON, so that `1` and `"1"` differ, or its digest where that is
 * longer than 200 characters. '' for no path, and where the input (JSON text, null: none) has no value there.
 */
export function keyIn(input: string | null, path: string | undefined): string {
  if (input === null || path === undefined) return '';
  const text = JSON.stringify(valueAt(JSON.parse(input), path)) ?? '';
  return text.length > LONGEST_KEY ? sha256(text) : text;
}
