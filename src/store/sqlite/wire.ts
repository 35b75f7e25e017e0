/**
 * Messages between the host and the store thread. A message to the thread is a list of calls, the answer holds a value for
 * each, in order. New jobs, claims and ends, which travel with every job, go as one flat list of plain values, which costs
 * half of what objects do; other values go unchanged.
 */
import type { Added, Assignment, JobState, NewJob } from '../../jobs/model.ts';
import type { AttemptRef, ClaimAnswer, ClaimRequest, ClaimTerms, Settlement } from '../../jobs/ports.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { INSTANTS } from '../../kernel/instant.ts';
import type { StorePorts, Sync } from '../ports.ts';
import { jobIdOf, rowOf } from './ids.ts';

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
  hostLoad: 'slow',
  putMemoryPeaks: 'soft',
  putHostLoad: 'soft',
  rollUp: 'soft',
  sumUpPast: 'soft',
  pruneAggregates: 'soft',
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

/** agent, trigger, priority, attempts, runAt, slot, key, staleAt, input, parent, depth */
export const NEW_JOB_WIDTH = 11;
/** state, queuedAt, sameInput */
const FIRST_WIDTH = 3;

/** The time so long after another; the last that can be stored where that is sooner. */
export function timeIn(at: number, ms: number): number {
  return Math.min(at + ms, INSTANTS.most);
}

/** Appends a new job to `flat`. */
export function packJob(flat: Plain[], job: NewJob, now: number): void {
  const runAt = job.runAt ?? (job.inMs === undefined ? now : timeIn(now, job.inMs));
  const staleAt = job.staleAt ?? (job.staleAfterMs === undefined ? null : timeIn(runAt, job.staleAfterMs));
  flat.push(
    job.agent,
    job.trigger,
    job.priority ?? 0,
    job.attempts,
    runAt,
    job.slot ?? null,
    job.key ?? null,
    staleAt,
    job.input,
    job.parent === undefined ? null : rowOf(job.parent),
    job.depth ?? 0,
  );
}

/** row, attempt, state, startedAt, finishedAt, runAt, result, summary, error, cause, worker, attempts */
export const SETTLEMENT_WIDTH = 12;

export function packSettlements(settlements: Settlement[], now: number): Plain[] {
  const flat: Plain[] = [];
  for (const end of settlements) {
    flat.push(
      rowOf(end.job),
      end.attempt,
      end.state,
      end.startedAt,
      end.finishedAt,
      end.inMs === undefined ? null : timeIn(now, end.inMs),
      end.result ?? null,
      end.summary ?? null,
      end.error ? JSON.stringify(end.error) : null,
      end.cause ?? null,
      end.worker ?? null,
      end.attempts ?? null,
    );
  }
  return flat;
}

/** row, attempt */
export function packAttempts(attempts: AttemptRef[]): number[] {
  const flat: number[] = [];
  for (const ref of attempts) flat.push(rowOf(ref.job), ref.attempt);
  return flat;
}

/** The answers for new jobs, for the way to the host. A single job that is new is its row alone: most calls add one. */
export function packAdded(added: AddedRows): number | AddedRows {
  const [row] = added.rows;
  return added.rows.length === 1 && row! > 0 ? row! : added;
}

/** The answers for new jobs, as the store thread gives them. */
export function unpackAdded(added: number | AddedRows): Added[] {
  if (typeof added === 'number') return [{ id: jobIdOf(added), isNew: true }];
  const { rows, originals } = added;
  let at = 0;
  return rows.map((row): Added => {
    if (row > 0) return { id: jobIdOf(row), isNew: true };
    const [state, queuedAt, sameInput] = originals.slice(at, at + FIRST_WIDTH) as [JobState, number, number];
    at += FIRST_WIDTH;
    return { id: jobIdOf(-row), isNew: false, first: { state, queuedAt, sameInput: sameInput === 1 } };
  });
}

/** row, attempt, attempts, trigger, slot, input, queuedAt, runAt, depth */
const ASSIGNMENT_WIDTH = 9;

/** For each request: in how many ms the next is due, the number of jobs taken, and the jobs. */
export function unpackClaim(requests: ClaimRequest[], flat: Plain[]): ClaimAnswer[] {
  let at = 0;
  return requests.map(({ agent }) => {
    const nextInMs = flat[at] as number | null;
    const count = flat[at + 1] as number;
    at += 2;
    const assignments: Assignment[] = [];
    for (let taken = 0; taken < count; taken++, at += ASSIGNMENT_WIDTH) {
      assignments.push({
        job: jobIdOf(flat[at] as number),
        agent,
        attempt: flat[at + 1] as number,
        attempts: flat[at + 2] as number,
        trigger: flat[at + 3] as Assignment['trigger'],
        slot: flat[at + 4] as number | null,
        input: flat[at + 5] as string | null,
        queuedAt: flat[at + 6] as number,
        runAt: flat[at + 7] as number,
        depth: flat[at + 8] as number,
      });
    }
    return { agent, assignments, nextInMs };
  });
}
