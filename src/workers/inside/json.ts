import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { JsonProblem, plainOf } from './plain-data.ts';

const LONGEST_JSON = BOUNDS.payload.most;

/** Taken before the plugin is loaded, which may put something else in their place. */
export const { stringify } = JSON;
const { parse } = JSON;

/**
 * JSON text of a value, null for undefined; throws a Fault `NOT_JSON` or `TOO_LARGE` when JSON cannot hold the value
 * unchanged. `what` begins the sentence (`the result`), `root` the path to the part that is wrong
 * (`result.rows[3].at`).
 */
export function toJson(value: unknown, what: string, root: string): string | null {
  if (value === undefined) return null;
  let text: string;
  try {
    text = stringify(plainOf(value, root));
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw notJson(what, error instanceof Error ? error.message : String(error));
    if (error.is === 'large') throw tooLarge(`${what} is ${error.message}`);
    throw notJson(what, error.message, error.next);
  }
  if (text.length > LONGEST_JSON) {
    throw tooLarge(`${what} is ${(text.length / 1024 / 1024).toFixed(1)} MB of JSON; at most 1 MB`);
  }
  return text;
}

/** The value of JSON text; undefined for null. */
export function fromJson(text: string | null | undefined): unknown {
  return text === null || text === undefined ? undefined : parse(text);
}

function notJson(what: string, why: string, next = 'hand over plain data'): Fault {
  return new Fault({ code: 'NOT_JSON', message: `${what} is not JSON: ${why.split('\n', 1)[0]}`, next });
}

function tooLarge(message: string): Fault {
  return new Fault({ code: 'TOO_LARGE', message, next: 'write it to a file and hand over its path' });
}
