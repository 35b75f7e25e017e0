import type { Assignment, Outcome, Trigger } from '../jobs/model.ts';
import type { AttemptRef } from '../jobs/ports.ts';
import { mayHelp, type PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { isJsonText } from '../kernel/shape.ts';
import type { Time } from '../kernel/time.ts';
import { type Blame, blameOf } from './blame.ts';
import { workerFaults } from './faults.ts';
import type { Reports } from './reports.ts';
import type { Suspects } from './suspects.ts';
import type { JobEnd, Running, ThreadEnd } from './wire.ts';

/** Ends of a worker that its only job has caused: not those that an order or another process has. */
const OF_ITS_JOB: ReadonlySet<string> = new Set([
  ...['TIMEOUT', 'SILENT', 'CRASHED'],
  ...['OUT_OF_MEMORY', 'OVER_LIMIT', 'MESSAGE_INVALID'],
]);
/** A worker is replaced when its sequence numbers come near the end of what its shared memory can tell apart. */
const LAST_SEQ = 1_000_000_000;
/** Jobs that a worker may still write lines of: more than it can hold. */
const REMEMBERED = 512;
const NO_JSON: PlainFault = { code: 'NOT_JSON', message: 'what its worker sent as the result is no JSON' };
const CLOSED: PlainFault = { code: 'CRASHED', message: 'its worker ended before the job did' };

interface HeldAttemptsNeeds {
  time: Time;
  reports: Reports;
  /** The worker's name, and the fingerprint of its agent. */
  worker: string;
  fingerprint: string;
  /** How many jobs the worker does side by side. */
  concurrency: number;
  suspects: Suspects;
  /** An attempt ended after so long. */
  took(durationMs: number): void;
}

/** The account of one worker: each attempt that it was given comes back exactly once, whatever happens. */
export interface HeldAttempts {
  size(): number;
  /** No sequence number is left. */
  isUsedUp(): boolean;
  /** Takes attempts onto the account, and returns what the cell is sent. */
  take(assignments: readonly Assignment[]): { first: number; jobs: string };
  get(seq: number): Assignment | undefined;
  /** Whether the job is held, or was among the latest that were: lines of a job may come after its end. */
  hasHeld(job: string): boolean;
  seqOf(ref: AttemptRef): number | undefined;
  /** Sequence numbers of all that is held, or of what was triggered so, oldest first. */
  seqs(trigger?: Trigger): number[];
  /** Whether an attempt is held that has begun, as far as the ledger's number tells; undefined: nobody knows. */
  hasBegun(begun: number | undefined): boolean;
  /** Attempts that were done, four values each; returns how many were still held. */
  done(flat: readonly (number | string | null)[]): number;
  /** An attempt that ended otherwise; false: it had come back before. */
  ended(end: JobEnd): boolean;
  /** Attempts that come back unbegun; returns how many were still held. */
  released(seqs: readonly number[]): number;
  /**
   * The worker has come to its end: of those that had begun the culprits have failed with it, those beside them are tried again
   * without losing an attempt, and the others come back. Returns those that it ended of, or may have.
   */
  close(
    because: PlainFault | null,
    hasBegun: (seq: number) => boolean,
    end?: Pick<ThreadEnd, 'running' | 'culprits'>,
  ): AttemptRef[];
}

/** The times are the worker's, whose clock is anybody's; what they may be in a store is known to jobs. */
function factsOf({ job, attempt }: Assignment, startedAt: number, durationMs: number) {
  return { job, attempt, startedAt: Math.round(startedAt), finishedAt: Math.round(startedAt) + Math.round(durationMs) };
}

/** A result is kept as text, and everybody who looks at the job parses it. */
function resultOf(result: string | null) {
  const isGood = result === null || isJsonText(result);
  return isGood ? ({ is: 'done', result } as const) : ({ is: 'failed', fault: NO_JSON, retry: false } as const);
}

export function createHeldAttempts(needs: HeldAttemptsNeeds): HeldAttempts {
  const { time, reports, worker, fingerprint, concurrency, suspects, took } = needs;
  const held = new Map<number, Assignment>();
  const latest: string[] = [];
  let nextSeq = 1;

  /** Takes an attempt off the account; undefined when it has come back before. */
  function settle(seq: number, hasEnded = true): Assignment | undefined {
    const assignment = held.get(seq);
    held.delete(seq);
    if (assignment && concurrency > 1) suspects.cameBack(assignment.job, hasEnded);
    return assignment;
  }

  function report(outcome: Outcome) {
    reports.ended(worker, outcome, fingerprint);
  }

  /** An attempt that had begun ends with its worker. */
  function fail({ job, attempt }: Assignment, startedAt: number, because: PlainFault, blame: Blame) {
    const finishedAt = Math.max(startedAt, time.now());
    const base = { job, attempt, startedAt, finishedAt, is: 'failed' as const };
    if (blame.is === 'culprit') return report({ ...base, fault: blame.why, retry: mayHelp(blame.why) });
    const fault =
      blame.is === 'victim'
        ? workerFaults.besideOther(held.get(blame.of)!.job, because)
        : workerFaults.unknownCulprit(blame.among, because);
    report({ ...base, fault, retry: 0, isFree: true });
  }

  /** Notes what the end of the worker says of the jobs that it had begun. */
  function noteBlame(blames: ReadonlyMap<number, Blame>, because: PlainFault) {
    if (concurrency === 1) return;
    const jobOf = (seq: number) => held.get(seq)!.job;
    suspects.accuse([...blames].flatMap(([seq, { is }]) => (is === 'suspect' ? [jobOf(seq)] : [])));
    for (const [seq, { is }] of blames) if (is !== 'suspect') suspects.cameBack(jobOf(seq), false);
    const [first] = blames.keys();
    if (blames.size !== 1 || first === undefined) return;
    if (OF_ITS_JOB.has(because.code)) suspects.prove(jobOf(first));
    else suspects.cameBack(jobOf(first), true);
  }

  return {
    size: () => held.size,
    isUsedUp: () => nextSeq >= LAST_SEQ,
    take(assignments) {
      const first = nextSeq;
      const pack: (number | string | null)[] = [first];
      for (const given of assignments) {
        latest[nextSeq % REMEMBERED] = given.job;
        held.set(nextSeq++, given);
        if (concurrency > 1) suspects.given(given.job);
        pack.push(given.job, given.attempt, given.trigger, given.slot, given.input);
      }
      return { first, jobs: JSON.stringify(pack) };
    },
    get: (seq) => held.get(seq),
    hasHeld: (job) => latest.includes(job),
    seqOf(ref) {
      for (const [seq, { job, attempt }] of held) if (job === ref.job && attempt === ref.attempt) return seq;
      return undefined;
    },
    seqs: (trigger) =>
      [...held].filter(([, one]) => trigger === undefined || one.trigger === trigger).map(([seq]) => seq),
    hasBegun(begun) {
      const first = held.keys().next().value;
      return first !== undefined && (begun === undefined || first <= begun);
    },
    done(flat) {
      let count = 0;
      for (let i = 0; i < flat.length; i += 4) {
        const assignment = settle(flat[i] as number);
        if (!assignment) continue;
        count += 1;
        const durationMs = flat[i + 2] as number;
        took(durationMs);
        const facts = factsOf(assignment, flat[i + 1] as number, durationMs);
        report({ ...facts, ...resultOf(flat[i + 3] as string | null) });
      }
      return count;
    },
    ended({ seq, durationMs, summary, ...end }) {
      const assignment = settle(seq);
      if (!assignment) return false;
      took(durationMs);
      const base = { ...factsOf(assignment, end.startedAt, durationMs), ...given({ summary }) };
      if (end.is === 'done') report({ ...base, ...resultOf(end.result) });
      else report({ ...base, is: 'failed', fault: end.fault, retry: end.retry });
      return true;
    },
    released(seqs) {
      const back = seqs.map((seq) => settle(seq, false)).filter((assignment) => assignment !== undefined);
      for (const assignment of back) reports.released(assignment);
      return back.length;
    },
    close(because, hasBegun, end = { running: [], culprits: [] }) {
      // No attempt began when the plugin could not be loaded: one of them fails with the fault, so that people see it
      // and retries end; the others come back unbegun.
      const reporting = because?.code === 'BOOT_FAILED' ? held.keys().next().value : undefined;
      const fault = because ?? CLOSED;
      const begun = [...held.keys()].filter((seq) => seq === reporting || hasBegun(seq));
      const isProven = (seq: number) => suspects.isProven(held.get(seq)!.job);
      const blames = blameOf({ begun, concurrency, because: fault, culprits: end.culprits, isProven });
      if (because?.code !== 'BOOT_FAILED') noteBlame(blames, fault);
      const failed: AttemptRef[] = [];
      for (const [seq, assignment] of held) {
        const blame = blames.get(seq);
        if (blame) fail(assignment, startedAtOf(seq, end.running) ?? time.now(), fault, blame);
        else reports.released(assignment);
        if (blame && blame.is !== 'victim') failed.push({ job: assignment.job, attempt: assignment.attempt });
        if (concurrency > 1 && (!blame || because?.code === 'BOOT_FAILED')) suspects.cameBack(assignment.job, false);
      }
      held.clear();
      return failed;
    },
  };
}

function startedAtOf(seq: number, running: readonly Running[]): number | undefined {
  return running.find((one) => one.seq === seq)?.startedAt;
}
