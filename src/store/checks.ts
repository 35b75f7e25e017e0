import type { NewJob } from '../jobs/model.ts';
import type { Settlement } from '../jobs/ports.ts';
import { BOUNDS, type Bounds, isWithin, shown } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { INSTANTS } from '../kernel/instant.ts';
import { packSeries, SERIES_KINDS, type SeriesKind, type SeriesValue, unpackSeries } from '../kernel/series.ts';

/** Counts grow by use (attempts that cost nothing, probes), never up to this bound. */
export const COUNTS: Bounds = { least: 0, most: 1_000_000_000 };

/** Sums of tokens, of micros of a dollar, of kilobytes × seconds. */
export const SUMS: Bounds = { least: 0, most: Number.MAX_SAFE_INTEGER };

/** Milliseconds; beyond the last time that can be stored every length means that time. */
const LENGTHS: Bounds = { least: 0, most: INSTANTS.most };

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

const instant: Check = (value) => isWithin(value, INSTANTS);
const length: Check = (value) => isWithin(value, LENGTHS);
const count: Check = (value) => isWithin(value, COUNTS);
const sum: Check = (value) => isWithin(value, SUMS);
const day: Check = (value) => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value);
const priority: Check = (value) => isWithin(value, BOUNDS.priority);
const text: Check = (value) => typeof value === 'string';
const series: Check = (value) => {
  const { kind, sum, sketch } = (value ?? {}) as { kind?: unknown; sum?: unknown; sketch?: unknown };
  if (typeof sum !== 'number' || (kind === 'histogram' && !(sketch instanceof Map))) return false;
  return (
    SERIES_KINDS.includes(kind as SeriesKind) && unpackSeries(kind, packSeries(value as SeriesValue)) !== undefined
  );
};
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const orNone =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);
const list =
  (fields: Fields): Check =>
  (value) =>
    Array.isArray(value) && value.every((one) => wrongIn(one, fields) === undefined);

const FAULT: Fields = { code: text, message: text };
const DEBOUNCE: Fields = { periodMs: length, timeoutMs: length, key: orNone(text) };
const DEBOUNCED: Fields = { key: text, timeoutMs: length };
const NEW_JOB: Fields = {
  agent: text,
  trigger: text,
  input: orNull(text),
  attempts: count,
  key: orNone(text),
  slot: orNone(instant),
  priority: orNone(priority),
  runAt: orNone(instant),
  inMs: orNone(length),
  staleAt: orNone(instant),
  staleAfterMs: orNone(length),
  parent: orNone(text),
  depth: orNone(count),
  debounce: orNone((terms) => wrongIn(terms, DEBOUNCED) === undefined),
};
const SETTLEMENT: Fields = {
  job: text,
  attempt: count,
  state: text,
  startedAt: instant,
  finishedAt: instant,
  inMs: orNone(length),
  attempts: orNone(count),
  error: orNone((value) => wrongIn(value, FAULT) === undefined),
  result: orNone(text),
  summary: orNone(text),
  cause: orNone(text),
  worker: orNone(text),
};
const QUARANTINE_END: Fields = { why: text, who: orNone(text) };
const INCIDENT: Fields = {
  openedAt: instant,
  endedAt: orNull(instant),
  repeats: count,
  seen: text,
  jobs: texts,
  remedies: list({ at: instant }),
  timeline: list({ at: instant, text }),
};

const SET: Fields = {
  states: texts,
  agent: orNone(text),
  exceptPrefix: orNone(text),
  cause: orNone(text),
  since: orNone(instant),
  text: orNone(text),
};

const OWNER: Check = (said) => wrongIn(said, { host: text, run: text }) === undefined;
const REPORTS: Check = orNone((said) => list({ at: instant, kind: text, words: text })(said));
const TERMS: Fields = { owner: OWNER, leaseMs: length };

/** For each call that writes, what its arguments have to hold, by place. */
const WRITES: Readonly<Record<string, readonly (Check | Fields | readonly [Fields])[]>> = {
  add: [[NEW_JOB]],
  settle: [[SETTLEMENT]],
  claim: [[{ agent: text, version: text, limit: count }], TERMS],
  renew: [[{ attempt: count }], length],
  cancel: [text, FAULT],
  cancelMany: [texts, FAULT],
  promote: [texts],
  redrive: [texts],
  drop: [texts, FAULT],
  addBatch: [{ act: text, set: (set) => wrongIn(set, SET) === undefined, reason: orNull(text) }, texts],
  collectBatch: [text, texts],
  stepBatch: [text, { most: count }],
  beginEffect: [{ attempt: count }, text],
  endEffect: [{ attempt: count }, text, orNull(text), orNone(text)],
  setState: [text, text, text],
  pause: [text, orNull(length), orNone(text)],
  plan: [[{ agent: text, due: instant }]],
  decide: [[{ agent: text, due: instant, job: (job) => job === undefined || wrongIn(job, NEW_JOB) === undefined }]],
  openIncident: [INCIDENT, TERMS, REPORTS],
  updateIncident: [INCIDENT, (said) => said === null || OWNER(said), REPORTS],
  holdIncidents: [TERMS],
  putQuarantine: [{ since: instant, probes: count, nextProbeAt: instant }, OWNER],
  endQuarantine: [text, OWNER, orNone((said) => wrongIn(said, QUARANTINE_END) === undefined)],
  muteCause: [text, orNull(length)],
  putMemoryPeaks: [[{ agent: text, at: instant, bytes: length }]],
  putMetrics: [[{ agent: orNull(text), name: text, labels: text, at: instant, value: series }]],
  rollUpMetrics: [instant, count],
  putHeartbeats: [[{ kind: text, name: text, at: instant, withinMs: orNone(length) }]],
  putFinding: [{ kind: text, key: text, at: instant }],
  putAlerts: [
    [
      {
        id: text,
        agent: orNull(text),
        since: instant,
        endedAt: orNull(instant),
        fingerprint: text,
        steps: list({ at: instant }),
      },
    ],
  ],
  startWindow: [{ agent: orNull(text), forMs: length, note: orNull(text) }],
  endWindows: [orNull(text)],
  putSpend: [
    [
      {
        day,
        agent: text,
        rung: text,
        calls: sum,
        promptTokens: sum,
        completionTokens: sum,
        micros: sum,
        failedTries: sum,
        unpricedTokens: sum,
      },
    ],
    [{ day, agent: text, calls: sum, tokens: sum, micros: sum }],
  ],
  addUsage: [[{ day, agent: text, heapKbs: sum, nativeKbs: sum, childrenKbs: sum, cpuMs: sum, diskBytes: sum }]],
  pruneDays: [day, count],
  append: [
    [{ at: instant, kind: text, message: text, who: orNone(text), about: orNone(texts), cameOf: orNone(texts) }],
  ],
  deliverEvents: [
    [
      {
        agent: text,
        topics: texts,
        attempts: count,
        debounce: orNone((terms) => wrongIn(terms, DEBOUNCE) === undefined),
      },
    ],
    { events: count, waiting: count },
  ],
};

/**
 * Throws a `Fault` `VALUE_INVALID` when a call would write a value that no reader can read or show: before anything of the
 * call is written, and without any harm to other calls. Every store asks it first.
 */
export function checkWrite(name: string, args: readonly unknown[]): void {
  if (isSound(name, args)) return;
  const checks = WRITES[name];
  if (!checks) return;
  for (const [place, check] of checks.entries()) {
    const wrong = wrongAt(args[place], check);
    if (wrong !== undefined) throw invalid(name, wrong);
  }
}

/**
 * The two calls that each job costs are looked at without the table, which reads fields by name. False only sends a call
 * to the table, which has the last word and names what is wrong; a test holds the two together.
 */
function isSound(name: string, args: readonly unknown[]): boolean {
  if (name === 'add') return areSound(args[0], isSoundJob);
  return name === 'settle' && areSound(args[0], isSoundEnd);
}

function areSound<T>(list: unknown, isOne: (one: T) => boolean): boolean {
  return Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null && isOne(one as T));
}

function isSoundJob(job: NewJob): boolean {
  const { agent, trigger, input, attempts, key, slot, priority: rank, parent, depth, debounce } = job;
  const { runAt, inMs, staleAt, staleAfterMs } = job;
  return (
    typeof agent === 'string' &&
    typeof trigger === 'string' &&
    (input === null || typeof input === 'string') &&
    count(attempts) &&
    (key === undefined || typeof key === 'string') &&
    (slot === undefined || instant(slot)) &&
    (rank === undefined || priority(rank)) &&
    (runAt === undefined || instant(runAt)) &&
    (inMs === undefined || length(inMs)) &&
    (staleAt === undefined || instant(staleAt)) &&
    (staleAfterMs === undefined || length(staleAfterMs)) &&
    (parent === undefined || typeof parent === 'string') &&
    (depth === undefined || count(depth)) &&
    debounce === undefined
  );
}

function isSoundEnd(end: Settlement): boolean {
  const { job, attempt, state, startedAt, finishedAt, inMs, attempts, error, result, summary, cause, worker } = end;
  return (
    typeof job === 'string' &&
    typeof state === 'string' &&
    count(attempt) &&
    instant(startedAt) &&
    instant(finishedAt) &&
    (inMs === undefined || length(inMs)) &&
    (attempts === undefined || count(attempts)) &&
    (error === undefined || error === null || (typeof error.code === 'string' && typeof error.message === 'string')) &&
    (result === undefined || result === null || typeof result === 'string') &&
    (summary === undefined || summary === null || typeof summary === 'string') &&
    (cause === undefined || cause === null || typeof cause === 'string') &&
    (worker === undefined || typeof worker === 'string')
  );
}

function wrongAt(value: unknown, check: Check | Fields | readonly [Fields]): string | undefined {
  if (typeof check === 'function') return check(value) ? undefined : shown(value);
  if (!Array.isArray(check)) return wrongIn(value, check as Fields);
  if (!Array.isArray(value)) return shown(value);
  for (const one of value) {
    const wrong = wrongIn(one, (check as readonly [Fields])[0]);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function wrongIn(value: unknown, fields: Fields): string | undefined {
  if (typeof value !== 'object' || value === null) return shown(value);
  const record = value as Record<string, unknown>;
  for (const name in fields) if (!fields[name]!(record[name])) return `${name} ${shown(record[name])}`;
  return undefined;
}

function invalid(name: string, wrong: string): Fault {
  return new Fault({
    code: 'VALUE_INVALID',
    message: `the store takes no ${wrong} (${name}): it could not be read or shown`,
    next: 'the values that are allowed: docs/values.md',
  });
}
