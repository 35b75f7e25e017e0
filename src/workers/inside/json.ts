import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';

const LONGEST_JSON = BOUNDS.payload.most;

/** Taken before the plugin is loaded, which may put something else in their place. */
const { parse, stringify } = JSON;

/** JSON text of a value, null for undefined; throws a Fault when it is not JSON or longer than 1 MB. `what` begins the sentence: `the result`. */
export function toJson(value: unknown, what: string): string | null {
  if (value === undefined) return null;
  let text: string | undefined;
  try {
    text = stringify(value, typeof value === 'object' ? refuse : undefined);
  } catch (error) {
    throw notJson(what, error instanceof Error ? error.message.split('\n', 1)[0]! : String(error));
  }
  if (text === undefined) throw notJson(what, `it is a ${typeof value}`);
  if (text.length > LONGEST_JSON) {
    throw new Fault({
      code: 'TOO_LARGE',
      message: `${what} is ${(text.length / 1024 / 1024).toFixed(1)} MB of JSON; at most 1 MB`,
      next: 'write it to a file and hand over its path',
    });
  }
  return text;
}

/** The value of JSON text; undefined for null. */
export function fromJson(text: string | null | undefined): unknown {
  return text === null || text === undefined ? undefined : parse(text);
}

function refuse(key: string, value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw new Error(`"${key}" is a ${typeof value}`);
  return value;
}

function notJson(what: string, why: string): Fault {
  return new Fault({ code: 'NOT_JSON', message: `${what} is not JSON: ${why}`, next: 'hand over plain data' });
}
