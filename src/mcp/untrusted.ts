/**
 * The marks around text that Daruma did not write: log lines, errors, inputs, results, names that plugins choose, answers of
 * servers. A model reads such text beside its orders, so each one stands between boundaries that its author could not know,
 * and says in a field that it is no order.
 */

/** A text of others, for a model. */
interface UntrustedText {
  untrusted: true;
  /** `⟦4f1c…⟧` the text `⟦/4f1c…⟧`. */
  text: string;
  /** Characters of the whole text, when it was cut. */
  cutFrom?: number;
}

/** Keys of Daruma's own names, ids, times and words. A text under any other key is marked. */
const NAME_KEYS: ReadonlySet<string> = new Set([
  ...[
    'id',
    'agent',
    'agents',
    'name',
    'plugin',
    'version',
    'state',
    'is',
    'rollout',
    'verdict',
    'role',
    'act',
    'kind',
    'code',
  ],
  ...[
    'trigger',
    'slot',
    'cause',
    'fingerprint',
    'timezone',
    'job',
    'jobs',
    'worker',
    'level',
    'place',
    'file',
    'outcome',
  ],
  ...['at', 'time', 'times', 'due', 'until', 'openedAt', 'healedAt', 'endedAt', 'startedAt', 'finishedAt', 'queuedAt'],
  ...['runAt', 'firstAt', 'lastAt', 'madeAt', 'nextSlot', 'lastSign', 'token', 'incidents', 'madeBy', 'evidence'],
]);
/** A name is one word: no sentence fits in. Another text under the key of a name is marked all the same. */
const NAME = /^[\w.:/@+-]{1,200}$/;
/** Keys of sentences that the host makes of names and figures. */
const SENTENCE_KEYS: ReadonlySet<string> = new Set(['confirm', 'would']);
/** A schedule that the catalog has read. */
const SCHEDULE = /^[\w@*/,#?+ -]{1,100}$/;
/** Keys whose values are any JSON: they are shown as JSON text. */
const JSON_KEYS: ReadonlySet<string> = new Set(['input', 'result', 'value', 'schema', 'fields', 'found', 'args']);

/** Signs that steer a terminal, turn the direction of letters, or are not seen at all: each is shown by its number. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{fe00}-\u{fe0f}]|[\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;

/** Marks every text of others in a value; `most`: the characters that are kept of each. */
export function markUntrusted(value: unknown, boundary: string, most: number): unknown {
  return marked(value, undefined, { boundary, most });
}

/** A text of others between its boundaries, with its unseen signs shown, cut at `most` characters. */
export function untrustedText(text: string, { boundary, most }: { boundary: string; most: number }): UntrustedText {
  // A boundary is chance, and the text is older than it: a text that holds it has seen the answer.
  const kept = shownSigns(text.slice(0, most)).replaceAll(boundary, '[boundary]');
  const inside = text.length > most ? `${kept}…` : kept;
  const whole: UntrustedText = { untrusted: true, text: `⟦${boundary}⟧${inside}⟦/${boundary}⟧` };
  return text.length > most ? { ...whole, cutFrom: text.length } : whole;
}

/** A text with each sign that is not seen as `\u{202e}`. */
export function shownSigns(text: string): string {
  return text.replace(UNSEEN, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`);
}

function marked(value: unknown, key: string | undefined, marks: { boundary: string; most: number }): unknown {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
  if (key !== undefined && JSON_KEYS.has(key)) return untrustedText(JSON.stringify(value), marks);
  if (typeof value === 'string') {
    return isOwn(value, key) ? value : untrustedText(value, marks);
  }
  if (Array.isArray(value)) return value.map((one) => marked(one, key, marks));
  return Object.fromEntries(Object.entries(value as object).map(([name, one]) => [name, marked(one, name, marks)]));
}

function isOwn(text: string, key = ''): boolean {
  if (SENTENCE_KEYS.has(key)) return shownSigns(text) === text;
  return key === 'schedule' ? SCHEDULE.test(text) : NAME_KEYS.has(key) && NAME.test(text);
}
