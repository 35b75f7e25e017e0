/** A place in which two JSON values differ. */
export interface Difference {
  /** `items[3].price`; an empty text for the value as a whole. */
  path: string;
  is: 'added' | 'removed' | 'changed';
  /** Not there when it was added. */
  before?: unknown;
  /** Not there when it was removed. */
  after?: unknown;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;

/**
 * The places in which one JSON value differs from another, in the order of the first. Lists are compared place by place,
 * the order of an object's keys means nothing. Empty when they are equal.
 */
export function diffJson(before: unknown, after: unknown): Difference[] {
  const found: Difference[] = [];
  walk(before, after, '', found);
  return found;
}

function walk(before: unknown, after: unknown, path: string, found: Difference[]): void {
  if (Array.isArray(before) && Array.isArray(after)) {
    const longest = Math.max(before.length, after.length);
    for (let at = 0; at < longest; at++) step(before, after, String(at), `${path}[${at}]`, found);
  } else if (isObject(before) && isObject(after)) {
    const own = Object.keys(after).filter((key) => !Object.hasOwn(before, key));
    for (const key of [...Object.keys(before), ...own]) step(before, after, key, below(path, key), found);
  } else if (!Object.is(before, after)) found.push({ path, is: 'changed', before, after });
}

function step(before: object, after: object, key: string, path: string, found: Difference[]): void {
  const [old, now] = [valueAt(before, key), valueAt(after, key)];
  if (!Object.hasOwn(after, key)) found.push({ path, is: 'removed', before: old });
  else if (!Object.hasOwn(before, key)) found.push({ path, is: 'added', after: now });
  else walk(old, now, path, found);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Works for a key that is called `__proto__`, too. */
function valueAt(holder: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(holder, key)?.value;
}

function below(path: string, key: string): string {
  if (!PLAIN_KEY.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}
