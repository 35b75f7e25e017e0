import { DAY_MS, GB, MB, MINUTE_MS } from './measures.ts';
import { oneLine } from './shown-text.ts';

/** The least and the most that a value may be, both allowed. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/**
 * The bounds of every length of time (ms), size (bytes) and count that comes from outside: a file, a plugin, the
 * command line, the control socket. This table is the only place for bounds, each with its reason: every entrance
 * refuses by the same ones. docs/values.md has them for people, in the same order; a test compares the two.
 */
export const BOUNDS = {
  /** Limits, timeouts, jitter. A timer waits for them, and Node's timers reach 24 days. */
  timer: { least: 1, most: 24 * DAY_MS },
  /** The same, where not to wait at all makes sense. */
  timerOrNone: { least: 0, most: 24 * DAY_MS },
  /**
   * How long a job waits for its time. A longer wait is a time since 1970 or of another unit; work of a later year is
   * a schedule's.
   */
  wait: { least: 0, most: 366 * DAY_MS },
  /** The distance of `@every`. Schedules know no parts of a second, and what comes once a year has a day. */
  period: { least: 1_000, most: 366 * DAY_MS },
  /** Within which a job is of use, from the time that it was to start. */
  use: { least: 1, most: 366 * DAY_MS },
  /** A pause with an end. A longer pause is a pause until a person resumes. */
  pause: { least: 1, most: 3_660 * DAY_MS },
  /** A muted cause. A cause that nobody wants to hear of again is a cause to mend, or to acknowledge. */
  mute: { least: 1, most: 90 * DAY_MS },
  /** For how long something is kept: a hundred years. */
  keep: { least: 1, most: 36_525 * DAY_MS },
  /** How long a token of an assistant is good: a token that nobody renews within a year is one that nobody remembers. */
  grant: { least: MINUTE_MS, most: 366 * DAY_MS },
  /** How far back a person looks. */
  back: { least: 0, most: 36_525 * DAY_MS },
  /** The period of one report: its hours are counted one by one. */
  report: { least: 1, most: 1_100 * DAY_MS },

  /** Of a worker. A bare heap is 5 MB, and below 16 MB a plugin with zod does not load; no machine has more than 1 TB to give. */
  memory: { least: 16 * MB, most: 1024 * GB },
  /** Space on the disk for a log file, all logs or all versions. */
  disk: { least: MB, most: 1024 * 1024 * GB },
  /** Output of a command that is kept: each process on the way holds it in memory. */
  output: { least: 1, most: 8 * MB },

  /** How often a job is tried. With pauses that double up to the longest, more is a loop. */
  attempts: { least: 1, most: 100 },
  /** How often one call to a server is tried within an attempt. */
  calls: { least: 1, most: 10 },
  /** Workers of one agent that are kept warm. A worker is a thread with a heap of its own. */
  warmWorkers: { least: 0, most: 64 },
  /** Workers of one agent side by side. */
  workers: { least: 1, most: 64 },
  /** Jobs that one worker does side by side: they share its thread, its memory and the message channel of its cell. */
  concurrency: { least: 1, most: 100 },
  /** Jobs of one key that run at a time, or begin within a length of time: the times of their starts are kept. */
  ofKey: { least: 1, most: 10_000 },
  /** Connections of one worker to one database. PostgreSQL itself has 100 for everybody unless it is told otherwise. */
  connections: { least: 1, most: 100 },
  /** Workers in one cell. */
  cell: { least: 1, most: 200 },
  /** Workers of all agents together: each holds 10 MB and more. */
  hostWorkers: { least: 1, most: 10_000 },
  /** A port of TCP; 0 leaves the choice to the system. */
  port: { least: 0, most: 65_535 },
  /** A share, in percent. */
  percent: { least: 1, most: 100 },
  /** The priority of a job among the jobs of its agent. */
  priority: { least: -100, most: 100 },
  /** Jobs of earlier slots that wait with `overlap: queue`: they are read before each slot. */
  queuedSlots: { least: 1, most: 1_000 },
  /** How far jobs may make jobs that make jobs. Beyond thousands of hops no bound is one. */
  hops: { least: 1, most: 10_000 },
  /** Jobs that the jobs of an agent may make within a minute, each counted by its hops. */
  madeJobs: { least: 10, most: 10_000_000 },
  /** Characters of the JSON of an input, a result or a stored value: it travels through four processes and is held by each. */
  payload: { least: 0, most: MB },
  /** Bytes of the body of a delivery: it becomes the input of a job. */
  delivery: { least: 1_024, most: MB },
  /** Deliveries that an agent takes in a minute. The web process hands on 500 a second of all agents together. */
  deliveries: { least: 1, most: 30_000 },
  /** Jobs that may wait for an agent that takes deliveries. Each is a row of the store with its body. */
  waitingJobs: { least: 1, most: 1_000_000 },
  /** Rows of one answer. */
  rows: { least: 1, most: 1_000 },
  /** Runs of an agent that are bars of one row. */
  runs: { least: 1, most: 200 },
  /** Lines of the log that are shown at a time: they are held in memory. */
  lines: { least: 0, most: 1_000_000 },
  /** Times that a schedule is asked for. */
  times: { least: 1, most: 100 },
  /** Jobs whose inputs a rehearsal repeats. */
  rehearsed: { least: 1, most: 1_000 },
  /** Jobs of a batch: a row is kept for each. */
  batch: { least: 1, most: 1_000_000 },

  /** Calls of models within a day. */
  modelCalls: { least: 1, most: 1_000_000_000 },
  /** Tokens of models: of a context, an answer, a day. */
  tokens: { least: 1, most: 1_000_000_000_000 },
  /** Diagnoses by a model within a day. Each is read by a person. */
  diagnoses: { least: 0, most: 1_000 },
} as const satisfies Record<string, Bounds>;

/** Whether a number is whole and within the bounds. */
export function isWithin(value: unknown, { least, most }: Bounds): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** A value from outside for a message: short, on one line, whatever it is. */
export function shown(value: unknown): string {
  const text = oneLine(textOf(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function textOf(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
