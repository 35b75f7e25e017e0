import { BOUNDS } from '../kernel/bounds.ts';
import { formatDuration } from '../kernel/units.ts';
import type { Job, JobId, JobState } from './model.ts';
import type { AttemptRef, JobSet } from './ports.ts';

/** `batch-6`. Outside the store it is opaque. */
export type BatchId = string;

/** The act of a batch on each of its jobs: `replay` queues it again, `drop` takes it off the dead letters, `cancel` ends it. */
export type BatchAct = 'replay' | 'drop' | 'cancel';

/** The jobs that a batch may act on: a replay is for jobs that ended badly, a drop for dead letters, a cancel for unfinished jobs. */
export const STATES_OF_ACTS: Readonly<Record<BatchAct, readonly JobState[]>> = {
  replay: ['dead', 'cancelled'],
  drop: ['dead'],
  cancel: ['queued', 'retrying', 'running'],
};

/** A person's order to act on many jobs. */
export interface BatchOrder {
  act: BatchAct;
  /** The jobs that are meant, and the states in which they are acted on. `before` is the store's own. */
  set: Omit<JobSet, 'before'>;
  /** Whether the jobs were named one by one; else all that match `set` when the batch begins. */
  isNamed: boolean;
  /** The person's reason, for the record of each job that is dropped or cancelled. */
  reason: string | null;
  /** Whether a replay is also of jobs that are stale; else these are dropped. */
  withStale: boolean;
}

/** collecting → working → done, or cancelled from either. Only `working` acts on jobs. */
export type BatchState = 'collecting' | 'working' | 'done' | 'cancelled';

/**
 * The result of an item: `done`: acted on · `stale`: dropped instead of replayed, since it is of no use any more · `gone`: not the job any
 * more that was meant · `failed`: refused, with the reason.
 */
export type ItemResult = 'done' | 'stale' | 'gone' | 'failed';

/** A batch as the store keeps it. Times are epoch ms; counts are of items. */
export interface Batch extends BatchOrder {
  id: BatchId;
  state: BatchState;
  startedAt: number;
  endedAt: number | null;
  /** Grows while the batch is collecting. */
  total: number;
  results: Record<ItemResult, number>;
  /** While collecting: jobs older than this one are still to be looked at. */
  before: JobId;
}

/** A job of a batch. */
export interface BatchItem {
  job: JobId;
  /** null: the batch has not come to it. */
  result: ItemResult | null;
  /** Why the result is not `done`. */
  why: string | null;
  /** The agent and the state of the job now; null: the store does not keep the job any more. */
  agent: string | null;
  state: JobState | null;
}

export interface BatchStep {
  /** Whether every item has its result: the batch has ended. A batch that is not working counts as ended. */
  isOver: boolean;
  /** Agents of jobs that were queued again. */
  queued: string[];
  /** Jobs that were cancelled, as they were. */
  cancelled: (AttemptRef & { state: JobState })[];
}

/** Batches: durable orders that are carried out in steps. */
export interface BatchStore {
  /** Writes a batch down. `jobs`: its items, for a batch of named jobs; it is working then, else collecting. */
  addBatch(order: BatchOrder, jobs: JobId[]): Promise<BatchId>;
  /**
   * Adds the newest of the jobs that were still to be looked at, newest first; `isLast`: there are no older ones, and the batch works from now
   * on. A batch that is not collecting stays as it is.
   */
  collectBatch(id: BatchId, jobs: JobId[], isLast: boolean): Promise<void>;
  /**
   * Acts on the next items, oldest job first, at most `most`, and writes each act down with its result: no item is acted on twice, whatever
   * dies. `staleAfterMs`: of agents, for jobs that do not say themselves when they are stale.
   */
  stepBatch(id: BatchId, terms: { most: number; staleAfterMs: Record<string, number> }): Promise<BatchStep>;
  /** Ends a batch; items without a result keep none. False: it had ended. */
  cancelBatch(id: BatchId): Promise<boolean>;
  batch(id: BatchId): Promise<Batch | undefined>;
  /** Newest first. */
  batches(filter: { states?: BatchState[]; limit: number }): Promise<Batch[]>;
  /** By the age of their jobs, oldest first. `after`: the last job of the page before. */
  batchItems(id: BatchId, filter: { result?: ItemResult; after?: JobId; limit: number }): Promise<BatchItem[]>;
  /** How many jobs of the set are stale at `now`, epoch ms. `staleAfterMs` as in `stepBatch`. */
  countStale(set: JobSet, terms: { now: number; staleAfterMs: Record<string, number> }): Promise<number>;
}

/** The number of items that a batch may have. */
export const MOST_ITEMS = BOUNDS.batch.most;

/** The priority of jobs that a batch queued again: behind all that is new. */
export const REPLAY_PRIORITY = -1;

/** The parts of a job that decide what a batch does with it. */
export type ItemJob = Pick<Job, 'state' | 'attempt' | 'staleAt' | 'slot' | 'queuedAt'>;

type ItemDecision = { is: 'act' } | { is: 'stale' | 'gone'; why: string };

/**
 * The decision about an item, the same in every store. `attempt`: of the job when it became an item: a job that has run since is not the one
 * that the person saw. `job` undefined: it is not kept any more.
 */
export function decideItem(
  { act, set, withStale }: Pick<BatchOrder, 'act' | 'set' | 'withStale'>,
  attempt: number,
  job: ItemJob | undefined,
  { now, staleAfterMs }: { now: number; staleAfterMs: number | undefined },
): ItemDecision {
  if (!job) return { is: 'gone', why: 'it is not kept any more' };
  if (!set.states.includes(job.state)) return { is: 'gone', why: `it is ${job.state}` };
  if (act !== 'cancel' && job.attempt !== attempt) return { is: 'gone', why: 'it has run again since' };
  const until = act === 'replay' && !withStale ? staleTimeOf(job, staleAfterMs) : null;
  if (until === null || until >= now) return { is: 'act' };
  return { is: 'stale', why: `of no use for ${formatDuration(now - until)}` };
}

function staleTimeOf({ staleAt, slot, queuedAt }: ItemJob, staleAfterMs: number | undefined): number | null {
  if (staleAt !== null) return staleAt;
  return staleAfterMs === undefined ? null : (slot ?? queuedAt) + staleAfterMs;
}

/** The reason that a job of a batch keeps as its error. */
export function whyOfAct(act: 'drop' | 'cancel' | 'stale', reason: string | null) {
  if (act === 'stale') return { code: 'STALE', message: 'dropped as stale when it was to be replayed' };
  const said = reason === null ? '' : `: ${reason}`;
  return act === 'drop'
    ? { code: 'DROPPED', message: `dropped by hand${said}` }
    : { code: 'CANCELLED', message: `cancelled by hand, with others${said}` };
}
