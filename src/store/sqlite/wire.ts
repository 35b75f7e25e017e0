/**
 * Messages between the host and the store thread. A message to the thread is a list of calls, the answer holds a value for
 * each, in order. New jobs, claims and ends, which travel with every job, go as one flat list of plain values, which costs
 * half of what objects do; other values go unchanged.
 */
import type { ClaimRequest, ClaimTerms } from '../../jobs/ports.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { StorePorts, Sync } from '../ports.ts';

export type Plain = string | number | null;

/** Rows of added jobs; negative: nothing was queued, a job has the key. Of those, in order: state, queuedAt, sameInput (0 or 1). */
export interface AddedRows {
  rows: number[];
  originals: Plain[];
}

/** The calls whose arguments and answers are packed. */
export interface PackedOps {
  add(jobs: Plain[], now: number): number | AddedRows;
  claim(now: number, requests: ClaimRequest[], terms: ClaimTerms): Plain[];
  settle(settlements: Plain[]): boolean[];
  release(attempts: number[]): void;
  /** Places in the list of those that are not held any more. */
  renew(attempts: number[], leaseUntil: number): number[];
}

/** The calls that the thread is given the time of, by the store's clock. */
export const STAMPED = [
  'abandoned',
  'cancel',
  'cancelMany',
  'promote',
  'redrive',
  'drop',
  'addBatch',
  'stepBatch',
  'cancelBatch',
  'backlog',
  'waiting',
  'beginEffect',
  'endEffect',
  'setState',
  'pause',
  'resume',
  'plan',
  'decide',
  'cancelPlanned',
  'setAside',
  'openIncident',
  'holdIncidents',
  'muteCause',
  'putQuarantine',
  'endQuarantine',
  'deliverEvents',
  'startWindow',
  'endWindows',
  'windows',
] as const;
type StampedName = (typeof STAMPED)[number];
type Stamped<Ports> = {
  [K in keyof Ports]: Ports[K] extends (...args: infer A) => Promise<infer R> ? (now: number, ...args: A) => R : never;
};
export type StampedOps = Stamped<Pick<StorePorts, StampedName>>;

/** Calls that the store makes itself. */
export interface OwnOps {
  /**
   * The clock was set back from `was` to `now`: what was due is due as long as before, and what waits for its next attempt waits no
   * longer than it would have. A later time that was asked for stays. Returns how many jobs were moved.
   */
  setBack(was: number, now: number): number;
}

/** Methods of the store that its thread is not asked for. */
type Elsewhere = 'changes' | 'pauseChanges' | 'healingChanges' | 'backUp';
/** The methods that the threads answer. */
export type AskedPorts = Omit<StorePorts, Elsewhere>;

export type StoreOps = PackedOps & StampedOps & OwnOps & Sync<Omit<AskedPorts, keyof PackedOps | StampedName>>;
export type OpName = keyof StoreOps;
export type Call = [name: OpName, ...args: unknown[]];

/** A value for each call, and the faults by the place of their call. `setAside`: so many rows could not be read and were set aside. */
export type StoreAnswer = { values: unknown[]; faults: [place: number, fault: PlainFault][]; setAside?: number };

/**
 * `hard`: must survive a power cut, so its commit waits for the disk. `soft`: losing it at a power cut only queues a job
 * again. `read`: changes nothing. `slow`: changes nothing and can take long, so it goes to a thread of its own.
 */
export type OpKind = 'hard' | 'soft' | 'read' | 'slow';

export const OP_KINDS: Record<OpName, OpKind> = {
  add: 'hard',
  settle: 'hard',
  cancel: 'hard',
  cancelMany: 'hard',
  promote: 'soft',
  setBack: 'soft',
  redrive: 'hard',
  drop: 'hard',
  addBatch: 'hard',
  collectBatch: 'hard',
  stepBatch: 'hard',
  cancelBatch: 'hard',
  batch: 'read',
  batches: 'read',
  batchItems: 'slow',
  countStale: 'slow',
  claim: 'soft',
  release: 'soft',
  renew: 'soft',
  abandoned: 'read',
  waiting: 'read',
  waitFacts: 'read',
  get: 'read',
  ancestors: 'read',
  list: 'slow',
  ids: 'slow',
  count: 'slow',
  backlog: 'slow',
  deadByCause: 'slow',
  overview: 'slow',
  runs: 'slow',
  beginEffect: 'hard',
  endEffect: 'hard',
  dropEffect: 'hard',
  effectsOf: 'read',
  keptBytes: 'slow',
  getState: 'read',
  setState: 'hard',
  deleteState: 'hard',
  stateKeys: 'read',
  stateEntries: 'slow',
  stateSizes: 'slow',
  moveState: 'hard',
  pause: 'hard',
  resume: 'hard',
  paused: 'read',
  plan: 'hard',
  decide: 'hard',
  cancelPlanned: 'hard',
  dueSlots: 'read',
  slotJobs: 'read',
  newestSlots: 'read',
  nextSlots: 'read',
  slots: 'slow',
  openIncident: 'hard',
  updateIncident: 'hard',
  holdIncidents: 'soft',
  recordRemedy: 'hard',
  putQuarantine: 'hard',
  endQuarantine: 'hard',
  incident: 'read',
  incidents: 'read',
  remedyRecords: 'read',
  quarantines: 'read',
  muteCause: 'hard',
  mutes: 'read',
  append: 'hard',
  deliverEvents: 'hard',
  events: 'slow',
  causesOf: 'slow',
  agentFigures: 'slow',
  hourFigures: 'slow',
  slotFigures: 'slow',
  aggregates: 'slow',
  aggregateSums: 'slow',
  durationSketches: 'slow',
  metrics: 'slow',
  putMetrics: 'soft',
  rollUpMetrics: 'soft',
  pruneMetrics: 'soft',
  putMemoryPeaks: 'soft',
  sumUpPast: 'soft',
  putHeartbeats: 'soft',
  forgetHeartbeat: 'hard',
  heartbeats: 'read',
  putFinding: 'hard',
  findings: 'read',
  putAlerts: 'hard',
  alerts: 'read',
  startWindow: 'hard',
  endWindows: 'hard',
  windows: 'read',
  putSpend: 'hard',
  spendRows: 'slow',
  spendAhead: 'read',
  addUsage: 'soft',
  usageRows: 'slow',
  pruneDays: 'soft',
  prune: 'hard',
  health: 'slow',
  unreadable: 'slow',
  setAside: 'hard',
  asides: 'read',
  asidesReported: 'hard',
};
