import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { codeFrame } from '../../kernel/source-text.ts';
import { suggest } from '../../kernel/suggest.ts';

/** A schema's problem with a value: the part of a zod issue that survives a message between processes. */
export interface Issue {
  code: string;
  message: string;
  path: readonly PropertyKey[];
  /** The unknown keys of an issue with the code `unrecognized_keys`. */
  keys?: readonly string[];
  /** `next`: advice, from a check of Daruma's own. */
  params?: Readonly<Record<string, unknown>> | undefined;
}

/** A problem of a value that its schema takes. */
export interface ValueProblem {
  code: string;
  path: (string | number)[];
  message: string;
  next?: string;
}

interface IssueTerms {
  /** The fault's code. */
  code: string;
  /** The value that was checked. */
  data: unknown;
  /** The JSON Schema of the value, which says which keys are known where. */
  schema: unknown;
  file: string;
  text?: string;
  /** Settings may hold private values: messages do not repeat them. */
  quiet?: boolean;
  /** The place of a path in the text. */
  place?(path: (string | number)[], at: 'key' | 'value'): { line: number; column: number } | undefined;
}

/** The first issue as a fault with its place and what to do; the others are kept in `data.others`. */
export function faultOfIssues(issues: readonly Issue[], terms: IssueTerms): PlainFault {
  // A misspelt key is often also the reason why another key is missing: the misspelt key is told first.
  const sorted = [...issues].sort((a, b) => Number(isUnknownKey(b)) - Number(isUnknownKey(a)));
  const [first, ...others] = sorted.map((issue) => issueFault(issue, terms));
  const { message, next, path, at } = first!;
  const place = terms.place?.(path, at);
  const frame = place && terms.text !== undefined ? codeFrame(terms.text, place.line, place.column) : undefined;
  return {
    code: terms.code,
    message,
    file: terms.file,
    ...place,
    ...given({ frame, next }),
    ...(others.length === 0 ? {} : { data: { others: others.map((other) => other.message) } }),
  };
}

interface IssueText {
  message: string;
  next: string | undefined;
  path: (string | number)[];
  at: 'key' | 'value';
}

function issueFault(issue: Issue, terms: IssueTerms): IssueText {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (isUnknownKey(issue)) {
    const key = issue.keys![0]!;
    const known = knownKeys(terms.schema, path);
    const meant = suggest(key, known);
    const name = settingName([...path, key]);
    return {
      message: meant ? `${name} is unknown, did you mean ${meant}?` : `${name} is unknown`,
      next: meant
        ? `write \`${meant}\` instead of \`${key}\``
        : known.length > 0
          ? `known here: ${known.join(', ')}`
          : 'nothing can be set here: remove it',
      path: [...path, key],
      at: 'key',
    };
  }
  const name = settingName(path);
  const value = valueAt(terms.data, path);
  const problem = issue.message.replace(/^Invalid (?:input|option): /, '').replace(/, received undefined$/, '');
  if (value === undefined && path.length > 0) {
    const key = path.at(-1)!;
    const message = `${name} is missing: ${problem}`;
    return { message, next: `add \`${key}: …\``, path: path.slice(0, -1), at: 'key' };
  }
  const described = !terms.quiet && typeof value === 'string' && value.length <= 60 && name ? ` "${value}"` : '';
  const meant = typeof value === 'string' ? suggest(value, allowedAt(terms.schema, path)) : undefined;
  return {
    message: `${name || 'the whole'}${described}: ${problem}${meant ? `, did you mean ${meant}?` : ''}`,
    next: meant ? `write \`${meant}\`` : nextOf(issue),
    path,
    at: 'value',
  };
}

function nextOf({ params }: Issue): string | undefined {
  return typeof params?.next === 'string' ? params.next : undefined;
}

function isUnknownKey(issue: Issue): boolean {
  return issue.code === 'unrecognized_keys' && (issue.keys?.length ?? 0) > 0;
}

/** `settings.targets[2].url`. */
function settingName(path: readonly (string | number)[]): string {
  let name = '';
  for (const step of path) name += typeof step === 'number' ? `[${step}]` : name ? `.${step}` : step;
  return name;
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  allOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  enum?: unknown[];
}

function schemaAt(schema: unknown, path: readonly (string | number)[]): JsonSchema | undefined {
  let at = schema as JsonSchema | undefined;
  for (const step of path) {
    const extra = typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined;
    at = typeof step === 'number' ? at?.items : (own(at?.properties, step) ?? extra);
  }
  return at;
}

function knownKeys(schema: unknown, path: readonly (string | number)[]): string[] {
  const at = schemaAt(schema, path);
  return [at, ...(at?.allOf ?? []), ...(at?.anyOf ?? [])].flatMap((one) => Object.keys(one?.properties ?? {}));
}

function allowedAt(schema: unknown, path: readonly (string | number)[]): string[] {
  return (schemaAt(schema, path)?.enum ?? []).filter((value) => typeof value === 'string');
}

function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  let at = data;
  for (const step of path)
    at = typeof at === 'object' && at !== null ? own(at as Record<string, unknown>, String(step)) : undefined;
  return at;
}

/** Keys that every object has by itself do not count: a key may be called `constructor`. */
function own<T>(holder: Record<string, T> | undefined, key: string): T | undefined {
  return holder !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined;
}
