import { MB } from '../../kernel/measures.ts';
import { DEEPEST_VALUE } from '../../kernel/shape.ts';

/** The text has at least this many characters: the rest is not counted. */
const FAR_TOO_LONG = 16 * MB;

/** Taken before the plugin is loaded, which may put something else in their place. */
const { getPrototypeOf, keys, defineProperty } = Object;
const { isArray } = Array;

/** The fault of a value that cannot be kept; the message names the part of it. */
export class JsonProblem extends Error {
  readonly is: 'not-json' | 'large';
  readonly next: string | undefined;

  constructor(is: JsonProblem['is'], message: string, next?: string) {
    super(message);
    this.is = is;
    this.next = next;
  }
}

/** Advice for values that authors hand over by mistake. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['Map', 'hand over Object.fromEntries(map)'],
  ['Set', 'hand over [...set]'],
  ['Promise', 'await it'],
  ['Error', 'hand over its message, or throw it'],
  ['Response', 'hand over await response.json()'],
  ['BigInt', 'hand over String(value), or Number(value) where it is small enough'],
  ['undefined', 'hand over null, or leave it out'],
  ['NaN', 'hand over null'],
  ['bytes', "hand over Buffer.from(bytes).toString('base64')"],
]);

/**
 * A copy of the value in plain objects, arrays, texts, numbers, booleans and null. The rule for all values that are handed over:
 * what has a `toJSON` method is what that returns (a Date its ISO text), properties that are undefined are left out as in
 * JSON, and anything else that JSON would change without a word is refused with its path: a Map, a Set, an Error, an
 * instance of a class, NaN, undefined in an array, a function, a symbol, a BigInt, a circle. Throws {@link JsonProblem}.
 */
export function plainOf(value: unknown, root: string): unknown {
  const walk = new Walk(root);
  try {
    return walk.plain(value);
  } catch (error) {
    if (error instanceof JsonProblem) throw error;
    // Code of the plugin's: a getter, a proxy, a toJSON.
    return walk.refuse('', `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

class Walk {
  readonly #root: string;
  /** Where it is; after a throw, where that was. */
  readonly #path: (string | number)[] = [];
  readonly #above: object[] = [];
  #length = 0;

  constructor(root: string) {
    this.#root = root;
  }

  plain(part: unknown): unknown {
    switch (typeof part) {
      case 'string':
        this.#count(part.length);
        return part;
      case 'boolean':
        return part;
      case 'number':
        return Number.isFinite(part) ? part : this.refuse('NaN', `is ${part}, which JSON does not have`);
      case 'object':
        return part === null ? null : this.#object(part);
      case 'bigint':
        return this.refuse('BigInt', 'is a BigInt');
      case 'undefined':
        return this.refuse('undefined', 'is undefined');
      default:
        return this.refuse('', `is a ${typeof part}`);
    }
  }

  refuse(kind: string, why: string): never {
    throw new JsonProblem('not-json', `${pathText(this.#root, this.#path)} ${why}`, INSTEAD.get(kind));
  }

  #object(part: object): unknown {
    const above = this.#above;
    if (above.length >= DEEPEST_VALUE) throw new JsonProblem('large', `nested more than ${DEEPEST_VALUE} deep`);
    if (above.includes(part)) this.refuse('', 'contains itself');
    if (isBytes(part)) this.refuse('bytes', `is ${nameOf(part)}, which JSON has no form for`);
    above.push(part);
    const { toJSON } = part as { toJSON?: unknown };
    let copy: unknown;
    if (typeof toJSON === 'function') copy = this.#toJson(part, toJSON);
    else copy = isArray(part) ? this.#array(part) : this.#properties(part);
    above.pop();
    return copy;
  }

  #toJson(part: object, toJSON: unknown): unknown {
    if (part instanceof Date && Number.isNaN(part.getTime())) this.refuse('NaN', 'is an invalid Date');
    return this.plain(Reflect.apply(toJSON as () => unknown, part, [String(this.#path.at(-1) ?? '')]));
  }

  #array(part: unknown[]): unknown[] {
    const copy: unknown[] = [];
    for (let index = 0; index < part.length; index++) {
      this.#path.push(index);
      this.#count(1);
      copy.push(this.plain(part[index]));
      this.#path.pop();
    }
    return copy;
  }

  #properties(part: object): Record<string, unknown> {
    const prototype = getPrototypeOf(part) as object | null;
    // The prototype of plain objects, of this realm or of another one, is the end of its chain.
    if (prototype !== null && getPrototypeOf(prototype) !== null) {
      this.refuse(isError(part) ? 'Error' : kindOf(part), `is ${nameOf(part)}, which JSON has no form for`);
    }
    const copy: Record<string, unknown> = {};
    for (const key of keys(part)) {
      this.#path.push(key);
      const found = (part as Record<string, unknown>)[key];
      if (found !== undefined) {
        this.#count(key.length);
        const value = this.plain(found);
        if (key !== '__proto__') copy[key] = value;
        else defineProperty(copy, key, { value, enumerable: true, writable: true, configurable: true });
      }
      this.#path.pop();
    }
    return copy;
  }

  #count(length: number) {
    this.#length += length;
    if (this.#length > FAR_TOO_LONG) throw new JsonProblem('large', 'more than 16 MB of JSON; at most 1 MB');
  }
}

function isBytes(part: object): boolean {
  return ArrayBuffer.isView(part) || part instanceof ArrayBuffer;
}

function isError(part: object): boolean {
  return part instanceof Error;
}

function kindOf(part: object): string {
  const { constructor: made } = part as { constructor?: { name?: unknown } };
  return typeof made?.name === 'string' ? made.name : '';
}

/** `a Map`, `a TypeError`, `an instance of Row`: for the middle of a sentence. */
function nameOf(part: object): string {
  const kind = kindOf(part);
  if (isError(part) || INSTEAD.has(kind)) return `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
  return `an instance of ${kind || 'a class'}`;
}

/** `result.rows[3].at`, at most some 200 characters. */
function pathText(root: string, path: readonly (string | number)[]): string {
  const text = path.reduce<string>((sum, step) => {
    if (typeof step === 'number') return `${sum}[${step}]`;
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `${sum}.${step}` : `${sum}[${JSON.stringify(step)}]`;
  }, root);
  return text.length > 200 ? `${text.slice(0, 120)}…${text.slice(-60)}` : text;
}
