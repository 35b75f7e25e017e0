import type { Sketch } from '../kernel/sketch.ts';
import type { StoreCopy } from '../plugin/fleet.ts';

export type { StoreCopy } from '../plugin/fleet.ts';
export type {
  CauseLine,
  EventBounds,
  EventDelivery,
  EventStore,
  FleetEvent,
  KeptEvent,
  Listener,
} from './event-store.ts';

/** Figures for status and reports. */
export interface FigureStore {
  /** Jobs that ended with from ≤ finishedAt < to, by agent; durations are of attempts that were done. */
  agentFigures(from: number, to: number): Promise<AgentFigures[]>;
  /** Jobs that ended, by agent and full hour. Cheap: kept as a running total. */
  hourFigures(
    from: number,
    to: number,
  ): Promise<{ agent: string; hour: number; done: number; dead: number; failedAttempts: number }[]>;
  /** The newest jobs of each named agent that are done or dead, newest first, at most `limit` of each: what a row of bars needs. */
  runs(agents: string[], limit: number): Promise<JobRun[]>;
  /** Slots with from ≤ due < to, by agent. */
  slotFigures(from: number, to: number): Promise<{ agent: string; kept: number; missed: number; skipped: number }[]>;
}

/** A job that is done or dead, in short. */
export interface JobRun {
  id: string;
  agent: string;
  state: 'done' | 'dead';
  /** Attempts that it took. */
  attempt: number;
  /** The start of the last attempt, epoch ms. */
  startedAt: number;
  finishedAt: number;
}

export interface AgentFigures {
  agent: string;
  done: number;
  dead: number;
  failedAttempts: number;
  /** ms; null without a job that was done. */
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
}

/** A length of time for which each agent's runs are summed up, by UTC. */
export type AggregateSpan = 'minute' | 'hour' | 'day';

/**
 * The counts of an agent in a span of time. Quantiles are within 2 % of the true ones (`SKETCH_ERROR`); null where the span has no
 * counts.
 */
export interface Aggregate {
  agent: string;
  /** Epoch ms. */
  start: number;
  done: number;
  /** Jobs that gave up. */
  dead: number;
  /** Attempts that failed: those before another one, and the last ones of dead jobs. */
  failedAttempts: number;
  /** The durations of attempts that were done. */
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  /** The times from when jobs were due until their first attempts were given out. */
  lateP95Ms: number | null;
  lateMaxMs: number | null;
  /** The most memory that one worker of the agent held. */
  memoryPeakBytes: number | null;
}

export interface AggregateFilter {
  span: AggregateSpan;
  /** Spans with from ≤ start < to, epoch ms. */
  from: number;
  to: number;
  agent?: string;
}

/**
 * The counts of agents, summed up by minutes, hours and days. The store counts minutes with each end of an attempt, in the same
 * transaction; they are kept as series of the meter (`attempts`, `duration`, `jobs.late`, `memory`), and rolled up and deleted with these.
 */
export interface AggregateStore {
  /** The spans of each agent, oldest first. */
  aggregates(filter: AggregateFilter): Promise<Aggregate[]>;
  /** The spans of each agent as one, by name; `start` is `from`. */
  aggregateSums(filter: AggregateFilter): Promise<Aggregate[]>;
  /** The durations of attempts that were done in the spans of each agent, as one, by name. */
  durationSketches(filter: AggregateFilter): Promise<{ agent: string; durations: Sketch }[]>;
  /** The most memory that workers of agents held at a time. */
  putMemoryPeaks(peaks: { agent: string; at: number; bytes: number }[]): Promise<void>;
  /** Sums up at most `limit` jobs that ended before ends were counted, each once; false: none is left. */
  sumUpPast(limit: number): Promise<boolean>;
}

/** A row of the store that could not be read, with its content. */
export interface Aside {
  id: number;
  /** The time at which the row was set aside, epoch ms. */
  at: number;
  /** The table: `job`, `pause`. */
  source: string;
  /** The row's name for people: `job-2s`, an agent's name. */
  name: string;
  agent: string | null;
  /** The columns that could not be read, with their content: `run_at 86401795652206944`. */
  why: string;
  /** The whole row, as a JSON object. Numbers in it may be beyond those that JavaScript reads. */
  content: string;
}

/**
 * Rows that cannot be read. An unreadable row is set aside as soon as a call meets it: the row is kept unchanged, a job, a
 * pause or an incident goes on with other values, and all other rows are served.
 */
export interface AsideStore {
  /** Rows that cannot be read now; looks at every row there is. */
  unreadable(): Promise<Pick<Aside, 'source' | 'name' | 'agent' | 'why'>[]>;
  /** Sets the unreadable rows aside; returns how many. */
  setAside(): Promise<number>;
  /** Rows that were set aside, newest first. `unreported`: only rows that no event has reported yet. */
  asides(filter: { unreported?: boolean; limit: number }): Promise<Aside[]>;
  asidesReported(ids: number[]): Promise<void>;
}

/**
 * The kind of a heartbeat. `loop`: a loop of the host turned · `run`: an attempt of the agent ended · `beat`: an attempt of the agent
 * beat, logged or called · `ping`: a program outside of Daruma pinged.
 */
export type HeartbeatKind = 'loop' | 'run' | 'beat' | 'ping';

/** The last sign of life of a loop, an agent or a program outside. */
export interface Heartbeat {
  kind: HeartbeatKind;
  name: string;
  /** Epoch ms. */
  at: number;
  /** The time that a program which pings may be silent, in ms. */
  withinMs?: number;
}

/** The last sign of life of everything that gives one: a row for each kind and name. */
export interface HeartbeatStore {
  /** Writes heartbeats down; an older one than is kept changes nothing. May be lost at a power cut, as the next comes soon. */
  putHeartbeats(heartbeats: Heartbeat[]): Promise<void>;
  /** Forgets a heartbeat; false: there was none. */
  forgetHeartbeat(kind: HeartbeatKind, name: string): Promise<boolean>;
  /** The heartbeats by kind, then by name. */
  heartbeats(): Promise<Heartbeat[]>;
}

/**
 * The kind of a finding. `diagnosis`: the words of a model on a cause, by its fingerprint · `drill-models`, `drill-diagnosis`, `drill-faults`: a run of
 * the drill, by its time · `model`: the model that a rung has, by the rung's name · `memory`: the lower edges of an agent's memory for two days, by its name · `quantity`: those of other quantities (`disk:host`) · `heap`: the heaps of an agent's versions, by its name · `warning`: the current warnings.
 */
type FindingKind =
  | 'diagnosis'
  | 'drill-models'
  | 'drill-diagnosis'
  | 'drill-faults'
  | 'model'
  | 'memory'
  | 'quantity'
  | 'heap'
  | 'warning';

/** Something that took long to find out or cost something. */
export interface Finding {
  kind: FindingKind;
  key: string;
  /** Epoch ms. */
  at: number;
  record: Record<string, unknown>;
}

/** Findings, each under its kind and key. */
export interface FindingStore {
  /** Writes a finding down in place of that of the same kind and key. */
  putFinding(finding: Finding): Promise<void>;
  /** The findings of a kind, newest first. `keys`: only those with one of the keys. */
  findings(filter: { kind: FindingKind; keys?: readonly string[]; limit: number }): Promise<Finding[]>;
}

/** The use that an agent made of the machine on one day. */
export interface AgentUsage {
  /** `2026-11-27`, in the host's zone. */
  day: string;
  agent: string;
  /** Kilobytes × seconds of JavaScript's heap, of other memory of its workers, and of its commands. */
  heapKbs: number;
  nativeKbs: number;
  childrenKbs: number;
  cpuMs: number;
  /** The bytes of the agent's state, versions and data folder, as last measured that day; 0: not measured. */
  diskBytes: number;
}

/** The store of what agents used, a row for each agent and day. */
export interface UsageStore {
  /** Adds to the rows there are; a measure of the disk takes the place of the one before. */
  addUsage(usage: AgentUsage[]): Promise<void>;
  /** The rows of the days from ≤ day ≤ to, by day and agent. */
  usageRows(filter: { from: string; to: string; agent?: string }): Promise<AgentUsage[]>;
  /** Deletes rows of days before that one, of usage and of what models cost, and of each the oldest days beyond `most` rows. */
  pruneDays(before: string, most: number): Promise<void>;
}

/** The condition of a store. */
export interface StoreHealth {
  /** The number of its layout. */
  schema: number;
  /** The bytes that all files of the store take on disk. */
  bytes: number;
  /** The damage that a thorough check found, in SQLite's words; null without damage or without such a check. */
  detail: string | null;
}

/** Looking after the store itself. */
export interface UpkeepStore {
  /** Deletes finished jobs (with their attempts and effects), decided slots, events and (by the time of events) incidents that ended before the time, rows that were set aside, heartbeats and findings from before it; at most `limit` rows of each, so that it never holds the store for long. Returns how many went. */
  prune(before: { jobs: number; slots: number; events: number }, limit: number): Promise<number>;
  /**
   * Copies the store, as of one moment, into a new file that only the host's user may read, and proves that the copy can be
   * worked with; writes do not wait meanwhile. The path is absolute. Rejects when a file is there already
   * (`STORE_COPY_EXISTS`), and leaves nothing behind when it rejects.
   */
  backUp(to: string): Promise<StoreCopy>;
  /** The condition of the store. `thorough` reads all of it, which takes as long as that takes. Default: a short look. */
  health(options?: { thorough?: boolean }): Promise<StoreHealth>;
}
