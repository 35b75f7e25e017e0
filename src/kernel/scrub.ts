import { DEEPEST_VALUE } from './shape.ts';

/** Shorter values would blot out ordinary words. */
const SHORTEST = 6;
const MARK = '[secret]';
/** A part of a secret that is shorter than this stays at the end of a text that was cut. */
const SHORTEST_HEAD = 3;
/** A text this long may have been cut where no mark says so. */
const MAY_BE_CUT = 4_000;
/** The text behind the place where a text was cut. */
const CUT_MARK = /(?:…|\s*\(cut\))$/;
/** Keys of answers below which everything is a plugin's own; elsewhere a number is a size, a time or a count of the host. */
const MADE_BY_PLUGINS = new Set(['input', 'result', 'value', 'data', 'settings']);
/** Values inside of values deeper than this are left out: a value that may be kept is less deep, with what holds it. */
const DEEPEST = DEEPEST_VALUE + 100;

/**
 * Blots secret values out of values and texts: as they are, as JSON (also within JSON) and URLs write them, in hexadecimal digits,
 * and as base64 (also as a part of a longer text that was encoded). A number that is a secret becomes `[secret]`, and so do keys. Secrets shorter than 6
 * characters are left alone. A value without a secret is returned as it is. Never throws.
 */
export interface Scrubber {
  /** The secrets from now on, in place of those before. */
  hide(secrets: Iterable<string>): void;
  text(text: string): string;
  /** Of JSON text, as JSON text. */
  json(text: string): string;
  /** Of plain data. An object with `toJSON` counts as what that returns. */
  value<T>(value: T): T;
  /**
   * Like `value`, for the answer to a client: numbers stay, except in values that a plugin made (an input, a state's value).
   */
  answer<T>(value: T): T;
}

/** The secrets that a scrubber knows; undefined: none. */
interface Known {
  /** Every form of a secret that a text may hold. */
  pattern: RegExp;
  forms: readonly string[];
  exact: ReadonlySet<string>;
}

/** Makes a {@link Scrubber} that hides these secrets. */
export function createScrubber(secrets: Iterable<string> = []): Scrubber {
  let known = knownOf(secrets);

  function json(text: string): string {
    if (!known || text.search(known.pattern) < 0) return text;
    try {
      return JSON.stringify(scrubbed(known, JSON.parse(text), true));
    } catch {
      return JSON.stringify(MARK);
    }
  }

  return {
    hide(now) {
      known = knownOf(now);
    },
    text: (text) => (known ? scrubbedText(known, text) : text),
    json,
    value<T>(value: T): T {
      return known ? (scrubbed(known, value, true) as T) : value;
    },
    answer<T>(value: T): T {
      return known ? (scrubbed(known, value, false) as T) : value;
    },
  };
}

function knownOf(secrets: Iterable<string>): Known | undefined {
  const exact = new Set([...secrets].filter((secret) => secret.length >= SHORTEST));
  if (exact.size === 0) return undefined;
  const forms = [...new Set([...exact].flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(forms.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
  return { pattern, forms, exact };
}

function formsOf(secret: string): string[] {
  const url = encodeURIComponent(secret.toWellFormed());
  const hex = Buffer.from(secret).toString('hex');
  const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
  return [
    secret,
    inJson(secret),
    inJson(inJson(secret)),
    url,
    url.replaceAll('%20', '+'),
    url.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()),
    hex,
    hex.toUpperCase(),
    ...(['base64', 'base64url'] as const).flatMap((encoding) => encodedForms(secret, encoding)),
  ];
}

/** The characters that stand for the secret alone, wherever among groups of three bytes it begins; and all of it by itself. */
function encodedForms(secret: string, encoding: 'base64' | 'base64url'): string[] {
  const bytes = Buffer.from(secret);
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(encoding);
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  return [bytes.toString(encoding).replace(/=+$/, ''), ...inside];
}

function scrubbedText({ pattern, forms }: Known, text: string): string {
  const clean = text.replace(pattern, MARK);
  const cut = CUT_MARK.exec(clean)?.[0] ?? '';
  if (cut === '' && text.length < MAY_BE_CUT) return clean;
  const rest = cut === '' ? clean : clean.slice(0, -cut.length);
  const head = Math.max(...forms.map((form) => headAtEnd(rest, form)));
  return head === 0 ? clean : `${rest.slice(0, -head)}${MARK}${cut}`;
}

/** How many characters at the end of the text are the beginning of the form. */
function headAtEnd(text: string, form: string): number {
  for (let length = form.length - 1; length >= SHORTEST_HEAD; length--) {
    if (text.endsWith(form.slice(0, length))) return length;
  }
  return 0;
}

/** The value itself where nothing in it is hidden. `numbers`: numbers may be secrets as well. */
function scrubbed(known: Known, value: unknown, numbers: boolean, depth = 0): unknown {
  if (typeof value === 'string') return scrubbedText(known, value);
  if (typeof value === 'number' || typeof value === 'bigint') {
    return numbers && known.exact.has(String(value)) ? MARK : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEEPEST) return '[too deep]';
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return scrubbed(known, toJSON.call(value, ''), numbers, depth + 1);
  if (Array.isArray(value)) {
    const items = value.map((item) => scrubbed(known, item, numbers, depth + 1));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const entries = Object.entries(value);
  const clean = entries.map(([key, held]) => {
    const isForeign = numbers || MADE_BY_PLUGINS.has(key);
    return [scrubbedText(known, key), scrubbed(known, held, isForeign, depth + 1)] as const;
  });
  const isSame = clean.every(([key, held], index) => key === entries[index]![0] && held === entries[index]![1]);
  return isSame ? value : Object.fromEntries(clean);
}
