import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import { errorsOf, isError } from '../../kernel/reasons.ts';
import { createRepeats, groupedCount } from '../../kernel/repeats.ts';
import type { PluginLog } from '../../plugin/context.ts';
import type { FromWorkerThread, ThreadLine } from '../wire.ts';
import { stringify } from './json.ts';
import { MARK, type Shared } from './shared.ts';

/** Lines a second that a worker may write, and how many at once after a pause. */
const LINES_PER_SECOND = 1_000;
const LINES_AT_ONCE = 5_000;
/** Batches that the cell has not taken yet; messages have no back-pressure of their own. */
const BATCHES_UNDERWAY = 8;
const LONGEST_TEXT = 16 * 1024;
const AGAIN_MS = 25;
const REPORT_EVERY_MS = 1_000;
/** Repeats are told so long after the first of them. */
const REPEATS_EVERY_MS = 5_000;
/** A repeat is counted and not sent, which costs a part of a line. */
const REPEAT_COSTS = 0.1;
/** A worker above its limit sleeps so long in a call, and in each second so long altogether. */
const SLEEP_MS = 1;
const MOST_SLEEP_MS = 500;
/** Taken before the plugin is loaded, which may put something else in its place: then there would be no limit. */
const monotonic = performance.now.bind(performance);
const { wait } = Atomics;
const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

/**
 * Takes the lines of a worker to its cell: at once while few are on their way, in batches otherwise, and never more than the
 * limit. Repeats of a message are counted and told by a line, except at debug level. A worker above its limit sleeps up to half
 * of its time, so that it is the flood's own plugin that is slower; lines that are above it still are dropped, counted and told.
 */
export interface PluginLines {
  put(level: LogLevel, job: string, message: unknown, data?: unknown): void;
  /** A logger whose lines carry the job's id. */
  of(job: string): PluginLog;
  /** A job has ended: repeats are told, at most once a second. */
  jobEnded(): void;
  /** Sends the lines that wait, as far as the bounds allow. */
  flush(): void;
  /** Sends all that waits, for a thread that ends. */
  flushAll(): void;
}

export function createPluginLines(
  shared: Shared,
  post: (message: FromWorkerThread) => void,
  needs: { now(): number; progress(job: string): void },
): PluginLines {
  let waiting: ThreadLine[] = [];
  let posted = 0;
  let again = false;
  const budget = createBudget();
  const repeats = createRepeats<Omit<ThreadLine, 'data'>>();
  let isTelling = false;
  let repeatsAt = monotonic();
  let dropped = 0;
  let reportedAt = monotonic();

  function mayPut(line: Omit<ThreadLine, 'data'>): boolean {
    const isDebugged = Atomics.load(shared.marks, MARK.level) === 0;
    if (!isDebugged && !repeats.take(line, monotonic())) {
      budget.take(REPEAT_COSTS);
      if (!isTelling) setTimeout(reportRepeats, REPEATS_EVERY_MS).unref();
      isTelling = true;
      return false;
    }
    if (budget.take(1)) return true;
    if (dropped++ === 0) setTimeout(flush, REPORT_EVERY_MS).unref();
    return false;
  }

  function reportRepeats() {
    isTelling = false;
    repeatsAt = monotonic();
    for (const { count, last } of repeats.leftOut()) {
      const message = `… ${groupedCount(count)} more like this: ${last.message}`;
      waiting.push({ ...last, at: needs.now(), message, data: stringify({ more: count }) });
    }
    flush();
  }

  function reportDropped(everyMs: number) {
    const at = monotonic();
    if (dropped === 0 || at - reportedAt < everyMs) return;
    const message = `${dropped} lines were dropped: more than ${LINES_PER_SECOND} a second`;
    waiting.push({ at: needs.now(), level: 'warn', job: '', message, data: null });
    dropped = 0;
    reportedAt = at;
  }

  function send() {
    const lines = waiting;
    waiting = [];
    posted += 1;
    post({ say: 'lines', lines });
  }

  function flush() {
    reportDropped(REPORT_EVERY_MS);
    if (waiting.length === 0) return;
    if (posted - Atomics.load(shared.marks, MARK.shownLines) < BATCHES_UNDERWAY) send();
    else if (!again) {
      again = true;
      setTimeout(() => {
        again = false;
        flush();
      }, AGAIN_MS).unref();
    }
  }

  const lines: PluginLines = {
    put(level, job, message, data) {
      needs.progress(job);
      if (LOG_LEVELS.indexOf(level) < Atomics.load(shared.marks, MARK.level)) return;
      const line = { at: needs.now(), level, job, message: textOf(message) };
      if (!mayPut(line)) return;
      waiting.push({ ...line, data: data === undefined ? null : dataOf(data) });
      flush();
    },
    of: (job) => ({
      debug: (message, data) => lines.put('debug', job, message, data),
      info: (message, data) => lines.put('info', job, message, data),
      warn: (message, data) => lines.put('warn', job, message, data),
      error: (message, data) => lines.put('error', job, message, data),
    }),
    jobEnded() {
      if (isTelling && monotonic() - repeatsAt >= REPORT_EVERY_MS) reportRepeats();
    },
    flush,
    flushAll() {
      reportRepeats();
      reportDropped(0);
      if (waiting.length > 0) send();
    },
  };
  return lines;
}

/** The lines that a worker may write, by time. A call that finds none left sleeps, as long as that is bearable. */
function createBudget() {
  let tokens = LINES_AT_ONCE;
  let filledAt = monotonic();
  let second = filledAt;
  let sleptMs = 0;

  function fill() {
    const at = monotonic();
    tokens = Math.min(LINES_AT_ONCE, tokens + ((at - filledAt) * LINES_PER_SECOND) / 1_000);
    filledAt = at;
    if (at - second < 1_000) return;
    second = at;
    sleptMs = 0;
  }

  return {
    /** False where there is still not enough left. */
    take(cost: number): boolean {
      fill();
      if (tokens < cost && sleptMs < MOST_SLEEP_MS) {
        wait(NEVER_WOKEN, 0, 0, SLEEP_MS);
        sleptMs += monotonic() - filledAt;
        fill();
      }
      if (tokens < cost) return false;
      tokens -= cost;
      return true;
    },
  };
}

function textOf(message: unknown): string {
  const text = typeof message === 'string' ? message : String(message);
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** Unlike in results nothing is refused here: a line is for people. */
function shownAs(value: unknown): unknown {
  if (isError(value)) {
    const { name, message, stack, cause } = value;
    const errors = errorsOf(value);
    return {
      ...value,
      name,
      message,
      stack,
      ...(cause === undefined ? {} : { cause }),
      ...(errors.length > 0 ? { errors } : {}),
    };
  }
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof Promise) return '[promise]';
  switch (typeof value) {
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return `[function ${value.name || 'without a name'}]`;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    default:
      return value;
  }
}

/** JSON text of an object; errors in it keep their message, and what JSON cannot hold is told instead. */
function dataOf(data: unknown): string {
  try {
    const text = stringify(data, (_key, value) => shownAs(value));
    if (text === undefined) return '{}';
    return text.length > LONGEST_TEXT ? stringify({ cut: text.slice(0, LONGEST_TEXT / 2) }) : text;
  } catch (error) {
    return stringify({ notJson: error instanceof Error ? error.message : String(error) });
  }
}
