import type { Debounced } from '../kernel/debounce.ts';
import type { PlainFault } from '../kernel/fault.ts';

export type JobId = string;

/**
 * queued → running → done | retrying → running … → dead; cancelled from any unfinished state.
 * `retrying` waits for its next attempt; it never looks like a running one.
 */
export type JobState = 'queued' | 'running' | 'retrying' | 'done' | 'dead' | 'cancelled';
export const UNFINISHED: readonly JobState[] = ['queued', 'running', 'retrying'];

export type Trigger = 'schedule' | 'manual' | 'send' | 'event' | 'webhook' | 'always' | 'replay';

/** A job that is asked for. Times of a job are epoch milliseconds, lengths milliseconds. */
export interface NewJob {
  agent: string;
  trigger: Trigger;
  /** JSON text; null when nothing was handed over. The host passes the text on unread. */
  input: string | null;
  /** A second job of the agent with the same key is the first one, unless that was cancelled. */
  key?: string;
  /** The slot's due time. */
  slot?: number;
  priority?: number;
  /** A time that the sender named: the job does not start before it. Default: so long from now as `inMs` says. */
  runAt?: number;
  /** How long from now the job may start, by the store's clock. Default 0. */
  inMs?: number;
  /**
   * A time that the sender named: a job that has not started before it is cancelled, with the reason. Default: see
   * `staleAfterMs`.
   */
  staleAt?: number;
  /** How long after the time at which it may start it is cancelled if it has not. Default: never. */
  staleAfterMs?: number;
  /** The most attempts it gets. */
  attempts: number;
  /** A job of its kind that has not begun takes its input over, and is put off. */
  debounce?: Debounced;
  /** The job that made it, by a send or an emit; undefined: no job did. */
  parent?: JobId;
  /** Hops from the job that no job made, see {@link depthOfMade}. Default 0. */
  depth?: number;
}

/** The answer to a job that was asked for. */
export interface Added {
  id: JobId;
  /** false: no job was added, because the agent's job `id` has the key, or took the input over. */
  isNew: boolean;
  /** The job that exists already, where none was added. `tookOver`: it has the new input now, and waits again. */
  first?: { state: JobState; queuedAt: number; sameInput: boolean; tookOver?: true };
}

/** A job as the store keeps it. */
export interface Job {
  id: JobId;
  agent: string;
  /** The version that ran the latest attempt; null before the first. */
  version: string | null;
  state: JobState;
  trigger: Trigger;
  slot: number | null;
  key: string | null;
  priority: number;
  /** 0 before the first attempt; else the number of the latest. The fence. */
  attempt: number;
  attempts: number;
  queuedAt: number;
  runAt: number;
  staleAt: number | null;
  /** Of the latest attempt. */
  startedAt: number | null;
  finishedAt: number | null;
  input: string | null;
  result: string | null;
  summary: string | null;
  /** Why the job is retrying, dead or cancelled. */
  error: PlainFault | null;
  /** Equal for failures of the same cause; null unless it failed. */
  cause: string | null;
  /** The job that made it; null: no job did. */
  parent: JobId | null;
  /** Hops from the job that no job made. */
  depth: number;
}

/** A claimed attempt on its way to a worker. */
export interface Assignment {
  job: JobId;
  agent: string;
  attempt: number;
  attempts: number;
  trigger: Trigger;
  slot: number | null;
  input: string | null;
  queuedAt: number;
  /** When the job may first start: lateness is counted from it. */
  runAt: number;
  /** Hops from the job that no job made. Default 0. */
  depth?: number;
}

/** How an attempt ended, as its worker (or the cell on its behalf) tells. */
export type Outcome = {
  job: JobId;
  attempt: number;
  startedAt: number;
  finishedAt: number;
  summary?: string;
} & (
  | { is: 'done'; result: string | null }
  /**
   * `retry: false` is GiveUp; a number is RetryLater's pause in ms; true leaves it to the backoff. `isFree`: another job took its
   * worker down; it is tried again at once and loses no attempt.
   */
  | { is: 'failed'; fault: PlainFault; retry: boolean | number; isFree?: true }
);
