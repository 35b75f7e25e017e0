import type { PlainFault } from '../kernel/fault.ts';
import type { KeyLimit, KeyUse } from '../kernel/key-limit.ts';
import type { Added, Assignment, Job, JobId, JobState, NewJob } from './model.ts';

/**
 * The moves of jobs. The store's own clock stamps them; hosts hand in lengths, never what their clocks show. Every method
 * resolves only when what it says is on disk. Batches are applied in order, each item on its own: one that is refused leaves
 * the others. A call with a value that cannot be read or shown (a time beyond the year 9999, a fraction) rejects with
 * `VALUE_INVALID` and writes nothing.
 */
export interface JobQueue {
  /**
   * Adds jobs, durable when it resolves. A key that a job of the agent has gives that job and `isNew: false`; a job that was
   * cancelled has its key no more.
   */
  add(jobs: NewJob[]): Promise<Added[]>;
  /**
   * Takes up to `limit` jobs of each named agent that are due, highest priority first, then by `runAt`, then by age;
   * marks them running with attempt + 1 under `owner`'s lease. Jobs past `staleAt` are cancelled instead (code `STALE`).
   */
  claim(requests: ClaimRequest[], terms: ClaimTerms): Promise<ClaimAnswer[]>;
  /**
   * Ends attempts. `false`: refused, because the job is not running under that attempt number any more (the fence). The same end
   * once more is accepted and changes nothing: its first answer may have been lost.
   */
  settle(settlements: Settlement[]): Promise<boolean[]>;
  /** Gives back claimed attempts that never started: queued again (or retrying, if attempt > 1) with attempt − 1. */
  release(attempts: AttemptRef[]): Promise<void>;
  /** Lets the leases of running attempts end so long from now; returns those that are not held any more. */
  renew(attempts: AttemptRef[], leaseMs: number): Promise<AttemptRef[]>;
  /** Running jobs whose lease is over, of any holder, or that an earlier run of `owner`'s host holds. */
  abandoned(owner: Owner): Promise<Job[]>;
  /** Cancels an unfinished job; returns what it was, or undefined when there was nothing to cancel. */
  cancel(id: JobId, why: PlainFault): Promise<Job | undefined>;
  /** The same of many, each on its own; returns what those were that were cancelled. */
  cancelMany(ids: JobId[], why: PlainFault): Promise<{ id: JobId; state: JobState; attempt: number }[]>;
  /** Lets retrying jobs start their next attempt now; returns those that were to wait. */
  promote(ids: JobId[]): Promise<JobId[]>;
  /**
   * Puts dead or cancelled jobs back in the queue with all their attempts before them; returns those that were put back. A job
   * whose key another job has by now is not changed.
   */
  redrive(ids: JobId[]): Promise<JobId[]>;
  /** Takes dead jobs off the dead letters: they become cancelled, with the reason. Returns those that were dead. */
  drop(ids: JobId[], why: PlainFault): Promise<JobId[]>;
  /**
   * Calls back with each change once it is on disk, and before the call that made it on this host is answered. A change may be
   * told late, more than once or, while a connection is lost, not at all: a host looks by itself now and then. Jobs that are given
   * back or wait for another attempt are not told: their host knows. The answer ends it.
   */
  changes(call: (change: JobChange) => void): () => void;
}

/** A change of jobs, made on this host or on another. */
export type JobChange =
  /** Jobs wait anew; the first of them is due in `inMs`, 0 and below: now. `agent` null: of which agents is not told. */
  | { is: 'queued'; agent: string | null; inMs: number }
  /** The attempt was cancelled with its job. 0: none ran. */
  | { is: 'cancelled'; job: JobId; attempt: number; why: PlainFault }
  /** The job is done or dead. */
  | { is: 'ended'; job: JobId };

/** The records of jobs: reads, which change nothing. */
export interface JobRecords {
  get(id: JobId): Promise<JobDetail | undefined>;
  /** Newest first. */
  list(filter: JobFilter): Promise<Job[]>;
  /** The ids of jobs alone, newest first, at most 100,000. */
  ids(set: JobSet & { limit?: number }): Promise<JobId[]>;
  /** How many jobs there are of each state; states without any are left out. */
  count(filter: JobSet): Promise<{ state: JobState; count: number }[]>;
  /** The job and those that it came of, newest first, at most 100: each was made by the next. */
  ancestors(id: JobId): Promise<{ id: JobId; agent: string; depth: number }[]>;
  /** For each agent: how many jobs wait that are due, and since when the first of them is. */
  backlog(): Promise<{ agent: string; count: number; dueSince: number }[]>;
  /**
   * Agents with unfinished jobs that do not run, and in how many ms each agent's next one is due; below 0: since when. Jobs below
   * `leastPriority` do not count.
   */
  waiting(leastPriority?: number): Promise<{ agent: string; inMs: number }[]>;
  /** Facts by which jobs that wait are explained, of those that are kept. `limit`: of the job's agent. */
  waitFacts(asked: { job: JobId; limit?: KeyLimit }[]): Promise<JobWaitFacts[]>;
  /** Dead jobs by cause, largest group first. */
  deadByCause(): Promise<DeadGroup[]>;
  /** For each agent: unfinished jobs by state, the newest job, and the newest that ended. */
  overview(): Promise<AgentOverview[]>;
}

/** Facts of a job that waits, which the store alone knows. */
export interface JobWaitFacts {
  job: JobId;
  /** The job has not begun, and takes over the input of others of its kind until its time comes. */
  isDebounced: boolean;
  /** How jobs have used its key; null: it was asked without a limit. */
  use: KeyUse | null;
}

/** The holder of an attempt: one run of one host. A host's name outlives its runs, of which there is one at a time. */
export interface Owner {
  host: string;
  run: string;
}

export interface ClaimTerms {
  owner: Owner;
  /** How long the claim holds without being renewed. */
  leaseMs: number;
  /** Jobs below it stay where they are. Default: all may be taken. */
  leastPriority?: number | undefined;
}

export interface ClaimRequest {
  agent: string;
  /** The version of this attempt, as the job's record names it. */
  version: string;
  limit: number;
  /** A job that says nothing else, and has not begun so long after its time, is cancelled: it may have waited for its agent. */
  staleAfterMs?: number;
  /** How many jobs with equal values in their input may run at a time, and begin within a length of time. */
  keyLimit?: KeyLimit;
}

export interface ClaimAnswer {
  agent: string;
  assignments: Assignment[];
  /** In how many ms the agent's next unfinished job is due that was not taken; 0 and below: there is more now. null: there is none. */
  nextInMs: number | null;
}

export interface AttemptRef {
  job: JobId;
  attempt: number;
}

/** The end of one attempt, decided by `step`; the store only writes it down, behind the fence. */
export interface Settlement extends AttemptRef {
  state: Exclude<JobState, 'running' | 'queued'>;
  startedAt: number;
  finishedAt: number;
  /** For `retrying`: in how many ms the next attempt may start. */
  inMs?: number;
  /**
   * The most attempts that the job gets from now on, where that changed: this one was held up and cost it nothing. The
   * job keeps the reason in `error`; it is no failed attempt, neither in its record nor in the figures.
   */
  attempts?: number;
  result?: string | null;
  summary?: string | null;
  error?: PlainFault | null;
  cause?: string | null;
  /** The worker that ran the attempt, for its record: `w12`. */
  worker?: string;
  /** Of the agent that the worker was started for. Not kept. */
  fingerprint?: string;
  /** The run of an agent that runs always, which is started again: whether it failed. Not kept. */
  run?: 'failed' | 'ended';
}

export interface JobFilter {
  agent?: string;
  /** Leaves out agents whose names begin so. */
  exceptPrefix?: string;
  states?: JobState[];
  cause?: string;
  slot?: number;
  /** Only those that deliveries made. With `agent`, few are found quickly among many others. */
  ofDeliveries?: boolean;
  /** Queued at or after, in epoch ms. */
  since?: number;
  /** In the input or the error, in any case of its letters; only the newest 20,000 jobs are searched. */
  text?: string;
  /** Jobs older than this one: for paging. */
  before?: JobId;
  /** 1–1000. */
  limit: number;
}

/** Jobs that are meant together: all that a list with the same filter shows. */
export interface JobSet extends Pick<JobFilter, 'agent' | 'exceptPrefix' | 'cause' | 'since' | 'text' | 'before'> {
  states: JobState[];
}

/** A failed attempt of a job. The last one of a finished job is in the job itself. */
export interface AttemptRecord {
  attempt: number;
  startedAt: number;
  finishedAt: number;
  worker: string | null;
  fault: PlainFault;
}

export interface JobDetail extends Job {
  failures: AttemptRecord[];
}

export interface DeadGroup {
  cause: string;
  agent: string;
  count: number;
  firstAt: number;
  lastAt: number;
  /** The newest. */
  example: Job;
}

export interface AgentOverview {
  agent: string;
  queued: number;
  running: number;
  retrying: number;
  dead: number;
  newest: Job | null;
  /** The newest that is done or dead. */
  ended: Job | null;
}

/** The record behind `once`. Every call names the attempt; one that lost its lease is refused with code `FENCED`. */
export interface EffectStore {
  /**
   * `new`: recorded as begun, do it now · `done`: a former attempt did it, here is the result · `not-kept`: a former
   * attempt did it, and its result could not be kept · `unknown`: begun by a former attempt and never ended.
   */
  beginEffect(ref: AttemptRef, key: string): Promise<EffectAnswer>;
  /** Records the end. `result` is JSON text, null for undefined. `problem`: why the result could not be kept. */
  endEffect(ref: AttemptRef, key: string, result: string | null, problem?: string): Promise<void>;
  /** Takes a beginning back: the effect threw, so it counts as not done. */
  dropEffect(ref: AttemptRef, key: string): Promise<void>;
  /** The effects of a job, ended or not, oldest first. No fence: the call changes nothing. */
  effectsOf(job: JobId): Promise<EffectRecord[]>;
}

export interface EffectRecord {
  key: string;
  /** Begun and never ended: whether it was done is not known. */
  isDone: boolean;
  /** JSON text, null for undefined. */
  result: string | null;
  /** Why the result of an effect that was done could not be kept. */
  problem?: string;
}

type EffectAnswer =
  | { is: 'new' }
  | { is: 'done'; result: string | null }
  | { is: 'not-kept'; problem: string }
  | { is: 'unknown' };

/** The durable key-value map of each agent; values are JSON text. */
export interface StateStore {
  getState(agent: string, key: string): Promise<string | undefined>;
  setState(agent: string, key: string, value: string): Promise<void>;
  deleteState(agent: string, key: string): Promise<void>;
  stateKeys(agent: string): Promise<string[]>;
  /** Entries with their values, by key; of one key only when it is named. Jobs of agents that are gone are included. */
  stateEntries(agent: string, key?: string): Promise<StateEntry[]>;
  /** Every agent that holds state, by name, gone or not. */
  stateSizes(): Promise<StateSize[]>;
  /**
   * Bytes that the state of an agent and the effects of its jobs take, keys and values. The call takes longer the more rows
   * there are.
   */
  keptBytes(agent: string): Promise<number>;
  /** Gives the entries of `from` to `to`, but for keys that `to` has itself. Answers the keys that moved. */
  moveState(from: string, to: string): Promise<string[]>;
}

export interface StateEntry {
  key: string;
  /** JSON. */
  value: string;
  /** Epoch ms. */
  setAt: number;
}

/** How much state an agent holds. `bytes`: of its values as JSON text in UTF-8. */
export interface StateSize {
  agent: string;
  keys: number;
  bytes: number;
}

/** Agents that a person paused. */
export interface PauseStore {
  /**
   * Pauses the agent from now on, in place of a pause that it has, and writes `pausedEvent` with it, in one transaction. `forMs` null:
   * without end. `who`: the person or program, for the event. Answers with what was written.
   */
  pause(agent: string, forMs: number | null, who?: string): Promise<{ since: number; until: number | null }>;
  /**
   * Ends a pause that a person ends, and writes `resumedEvent` with it, in one transaction. With `until`, only the pause that ends then,
   * and without an event: an end that comes late takes no newer pause along. Answers with the time at which a pause was ended; null: there
   * was none.
   */
  resume(agent: string, until?: number, who?: string): Promise<number | null>;
  /** By name. `since`: when the pause was written, epoch ms; null: what is kept is no time. */
  paused(): Promise<{ agent: string; since: number | null; until: number | null }[]>;
  /** Calls back when pauses have changed, with the promises of `JobQueue.changes`. The answer ends it. */
  pauseChanges(call: () => void): () => void;
}
