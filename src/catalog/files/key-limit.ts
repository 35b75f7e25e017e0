import { suggest } from '../../kernel/suggest.ts';
import type { ValueProblem } from './issues.ts';

/** The limit of a key, as written. */
interface SaidLimit {
  key?: string | undefined;
  concurrency?: number | undefined;
  rate?: number | undefined;
  per?: string | undefined;
}

/** The problem of a limit as a whole. `input`: the JSON Schema of the plugin's input; undefined: any input. */
export function whatIsWrongWithLimit(
  { key, concurrency, rate, per }: SaidLimit,
  input: unknown,
): ValueProblem | undefined {
  const wrong = (path: string[], message: string, next: string) => ({ code: 'LIMIT_INVALID', path, message, next });
  if ((rate === undefined) !== (per === undefined)) {
    const message =
      rate === undefined ? '`per` without `rate`: how many may begin in it?' : '`rate` without `per`: within how long?';
    return wrong(['limit'], message, 'write both: `rate: 10, per: 1m`');
  }
  if (concurrency === undefined && rate === undefined) {
    return wrong(['limit'], 'limits nothing', 'write `concurrency: 2`, or `rate: 10, per: 1m`');
  }
  return whatIsWrongWithKey('limit', key, input);
}

/** The problem of a key that no input of the plugin has a value at: all of its jobs would have the same key. `input` as above. */
export function whatIsWrongWithKey(
  of: 'limit' | 'debounce',
  key: string | undefined,
  input: unknown,
): ValueProblem | undefined {
  const names = namesIn(input);
  const first = key?.split('.')[0];
  if (!names || first === undefined || names.includes(first)) return undefined;
  const meant = suggest(first, names);
  return {
    code: of === 'limit' ? 'LIMIT_INVALID' : 'DEBOUNCE_INVALID',
    path: [of, 'key'],
    message: `the plugin’s \`input\` has no ${first}${meant ? `, did you mean ${meant}?` : ''}`,
    next: `name a value of the input: ${names.join(', ')}`,
  };
}

/** The names of an object that has no others; undefined for any other schema. */
function namesIn(schema: unknown): string[] | undefined {
  const { properties, additionalProperties } = (schema ?? {}) as {
    properties?: object;
    additionalProperties?: unknown;
  };
  return properties && additionalProperties === false ? Object.keys(properties) : undefined;
}
