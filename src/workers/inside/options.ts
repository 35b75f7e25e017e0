import { type Bounds, shown } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { suggest } from '../../kernel/suggest.ts';
import { readLength } from '../../kernel/units.ts';

const LONGEST_KEY = 200;

/** The text, if it has 1–200 characters; throws otherwise. */
export function textOfKey(text: unknown, what: string): string {
  if (typeof text === 'string' && text !== '' && text.length <= LONGEST_KEY) return text;
  throw invalid(`${what} must be a text of 1–${LONGEST_KEY} characters`);
}

/** The options of a call, if they are an object with no other names than the known: a name that is misspelt is not what it says. */
export function optionsOf<Name extends string>(
  options: unknown,
  known: readonly Name[],
  call: string,
): { readonly [K in Name]?: unknown } {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid(`the options of ${call} are an object, and not ${shown(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (known.some((one) => one === name)) continue;
    const meant = suggest(name, known);
    throw invalid(
      `${call} has no option ${shown(name)}${meant ? `, did you mean ${meant}?` : `: ${known.join(', ')}`}`,
    );
  }
  return options as { [K in Name]?: unknown };
}

/** The ms of a length of time; throws `CALL_INVALID` otherwise. */
export function lengthOf(text: unknown, bounds: Bounds, name: string): number {
  return valueRead(readLength(text, bounds), name, text);
}

/** The value that was read; throws `CALL_INVALID` with the reason when there is none. */
export function valueRead(read: number | string, name: string, said: unknown): number {
  if (typeof read === 'string') throw invalid(`${name} ${shown(said)} ${read}`);
  return read;
}

/** A call whose arguments cannot be meant: the same in every attempt. */
export function invalid(message: string): Fault {
  return new Fault({ code: 'CALL_INVALID', message });
}
