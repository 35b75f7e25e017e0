import type { PlainFault } from '../../kernel/fault.ts';
import { HOUR_MS, MB } from '../../kernel/measures.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';

/** Figures of one state of an agent (a version with its settings and limits): attempts that ended, newest last. */
export interface ProbationRuns {
  /** Epoch ms at which the state began to take jobs. */
  since: number;
  done: number;
  failed: number;
  /** Failed attempts that took the worker along, see {@link SEVERE}. */
  severe: number;
  /** Failures since the last attempt that was done. */
  inARow: number;
  /** Epoch ms of the latest failure. */
  failedAt: number | null;
  /** Milliseconds of attempts that were done, the newest {@link KEPT_DURATIONS}. */
  durations: readonly number[];
  /** Highest heap and external memory of one worker; null without enough readings. */
  memoryBytes: number | null;
  readings: number;
  /** The latest failure, and how many there were of each cause. */
  fault: PlainFault | null;
  causes: Readonly<Record<string, number>>;
}

/** The end of an attempt, or of a worker without one. */
export type ProbationRunEnd =
  | { is: 'done'; ms: number }
  | { is: 'failed'; at: number; fault: PlainFault; cause: string };

/**
 * The reason why a state is bad. `cause`: the cause of most of its failures; null for a band that is not about
 * failures.
 */
export interface Rejection {
  kind: 'severe' | 'errors' | 'slow' | 'memory' | 'by-hand';
  /** The words after "version 9c1e": `failed 3 of 3 runs: TypeError: …`. */
  why: string;
  cause: string | null;
}

/** The decision about a state on probation. */
export type ProbationDecision = { is: 'wait' } | { is: 'good'; why: string } | ({ is: 'bad' } & Rejection);

/** Ends that are the version's own doing and cost a worker. A lost cell is not among them: a neighbour may have done it. */
export const SEVERE: ReadonlySet<string> = new Set(['CRASHED', 'BOOT_FAILED', 'OUT_OF_MEMORY', 'OVER_LIMIT']);
const KEPT_DURATIONS = 50;
const LEAST_READINGS = 3;

/** The bands of probation. The bands are fixed, not settings: a band that people can turn off is turned off. */
export const THRESHOLDS = {
  /** A version is good after this many runs that were done … */
  goodRuns: 20,
  /** … or after these few, and a quiet time without a failure. */
  quietRuns: 3,
  quietMs: HOUR_MS,
  /** A version that is neither good nor bad after this many runs is no worse than the version before. */
  mostRuns: 200,
  /** Failures before a version is bad: the first may be an accident, two may be one accident twice. */
  leastFailures: 3,
  /** The greatest chance of so many failures at the old version's rate. */
  errorChance: 0.01,
  /**
   * The greatest chance for crashes, which are rarer and dearer: the first is enough if the old version hardly ever
   * crashed.
   */
  severeChance: 0.05,
  /** A history of fewer runs says nothing of a rate. */
  leastHistory: 5,
  leastDurations: 5,
  slowTimes: 3,
  slowMoreMs: 1_000,
  memoryTimes: 2,
  memoryMoreBytes: 32 * MB,
} as const;

/** The figures of a state that takes jobs from `since` (epoch ms) on. */
export function noRuns(since: number): ProbationRuns {
  const none = { done: 0, failed: 0, severe: 0, inARow: 0, failedAt: null, durations: [] };
  return { since, ...none, memoryBytes: null, readings: 0, fault: null, causes: {} };
}

/** Adds an end. Failures whose cause is `waived` (the good version has them, too) do not count. */
export function withEnd(runs: ProbationRuns, end: ProbationRunEnd, waived: readonly string[] = []): ProbationRuns {
  if (end.is === 'done') {
    const durations = [...runs.durations, end.ms].slice(-KEPT_DURATIONS);
    return { ...runs, done: runs.done + 1, inARow: 0, durations };
  }
  if (waived.includes(end.cause)) return runs;
  return {
    ...runs,
    failed: runs.failed + 1,
    severe: runs.severe + (SEVERE.has(end.fault.code) ? 1 : 0),
    inARow: runs.inARow + 1,
    failedAt: end.at,
    fault: end.fault,
    causes: { ...runs.causes, [end.cause]: (runs.causes[end.cause] ?? 0) + 1 },
  };
}

/** Adds a reading of a worker. */
export function withReading(runs: ProbationRuns, bytes: number): ProbationRuns {
  return { ...runs, readings: runs.readings + 1, memoryBytes: Math.max(runs.memoryBytes ?? 0, bytes) };
}

/**
 * Whether a state on probation is good, bad, or not known yet. `good`: what was seen of the state before it; undefined:
 * there is none to go back to, so nothing is ever called bad. Bands, each with its reason:
 *
 * - **crashes** (crash, load failure, out of memory, over the limit: what spends the restart budget): bad at the first
 *   one, unless the old version did the same often enough to make it likely (≥ 5 %). A crash costs a worker and
 *   everything that it held, so there is no waiting for a second one.
 * - **errors**: bad when at least 3 runs failed and so many would happen by chance in less than 1 of 100 versions that
 *   fail as often as the old one. The old rate counts one failure and one success more than were seen, so a short clean
 *   history is not taken for perfection. With fewer than 5 runs of history: 3 failures in a row.
 * - **duration**: bad when the median of at least 5 runs is more than 3 times what 95 of 100 old runs took, and more than
 *   a second beyond it. The median ignores single slow runs; the second leaves alone what nobody would notice.
 * - **memory**: bad when a worker holds more than twice the old peak and 32 MB more: collectors alone make a heap swing
 *   by half of that.
 *
 * Good after 20 runs that were done, or after 3 and an hour without a failure; the first state of an agent after 3, as
 * there is nothing to measure it against; and after 200 runs in any case.
 */
export function evaluateProbation(
  runs: ProbationRuns,
  good: ProbationRuns | undefined,
  now: number,
): ProbationDecision {
  const bad = good && (badEnds(runs, good) ?? badDuration(runs, good) ?? badMemory(runs, good));
  if (bad) return { is: 'bad', ...bad };
  const { done, failed } = runs;
  if (!good && done >= THRESHOLDS.quietRuns && done > failed) return { is: 'good', why: `${done} runs were done` };
  if (done >= THRESHOLDS.goodRuns) return { is: 'good', why: `${done} runs were done` };
  const quietSince = Math.max(runs.since, runs.failedAt ?? 0);
  if (done >= THRESHOLDS.quietRuns && now - quietSince >= THRESHOLDS.quietMs) {
    return { is: 'good', why: `${done} runs were done, none failed for ${formatDuration(now - quietSince)}` };
  }
  if (done + failed >= THRESHOLDS.mostRuns) return { is: 'good', why: `no worse than before in ${done + failed} runs` };
  return { is: 'wait' };
}

/**
 * Judges a rollback by the good version's runs since. `waived`: the good version fails, or is slow, in the same way, so
 * the reason lies outside; `confirmed`: it does what the rejected version could not.
 */
export function checkAfterRollback(
  rejection: Rejection,
  rejected: ProbationRuns,
  before: ProbationRuns,
  since: ProbationRuns,
): 'wait' | 'confirmed' | 'waived' {
  if (rejection.kind === 'by-hand' || rejection.kind === 'memory') return 'confirmed';
  if (rejection.kind === 'slow') {
    if (since.durations.length < THRESHOLDS.quietRuns) return 'wait';
    return badDuration({ ...since, durations: atLeast(since.durations) }, before) ? 'waived' : 'confirmed';
  }
  if (since.done > 0) return 'confirmed';
  const cause = rejection.cause ?? '';
  const enough = Math.min(THRESHOLDS.leastFailures, rejected.causes[cause] ?? 1);
  return (since.causes[cause] ?? 0) >= enough ? 'waived' : 'wait';
}

/** The cause of slow runs, `waived` where the good version is as slow: slow runs have no cause of their own. */
export const SLOW_CAUSE = 'slow';

/** The cause of most failures. */
export function mainCause({ causes }: ProbationRuns): string | null {
  return Object.entries(causes).sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

/** The chance of at least `hits` in `runs` when each run is a hit with chance `rate`. */
export function tail(hits: number, runs: number, rate: number): number {
  if (hits <= 0) return 1;
  if (rate <= 0 || hits > runs) return 0;
  if (rate >= 1) return 1;
  let below = 0;
  let log = runs * Math.log(1 - rate);
  for (let k = 0; k < hits; k++) {
    below += Math.exp(log);
    log += Math.log((runs - k) / (k + 1)) + Math.log(rate / (1 - rate));
  }
  return Math.max(0, 1 - below);
}

function badEnds(runs: ProbationRuns, good: ProbationRuns): Rejection | undefined {
  const { done, failed, severe } = runs;
  const count = done + failed;
  const before = good.done + good.failed;
  const summary = `failed ${failed} of ${count} ${count === 1 ? 'run' : 'runs'}: ${faultText(runs.fault)}`;
  const cause = mainCause(runs);
  if (severe > 0 && tail(severe, count, before === 0 ? 0 : good.severe / before) < THRESHOLDS.severeChance) {
    return { kind: 'severe', why: summary, cause };
  }
  if (before < THRESHOLDS.leastHistory) {
    return runs.inARow >= THRESHOLDS.leastFailures ? { kind: 'errors', why: summary, cause } : undefined;
  }
  const rate = (good.failed + 1) / (before + 2);
  const isUnlikely = failed >= THRESHOLDS.leastFailures && tail(failed, count, rate) < THRESHOLDS.errorChance;
  return isUnlikely ? { kind: 'errors', why: `${summary} (before: ${good.failed} of ${before})`, cause } : undefined;
}

function badDuration(runs: ProbationRuns, good: ProbationRuns): Rejection | undefined {
  if (Math.min(runs.durations.length, good.durations.length) < THRESHOLDS.leastDurations) return undefined;
  const now = share(runs.durations, 0.5);
  const then = share(good.durations, 0.95);
  if (now <= THRESHOLDS.slowTimes * then || now <= then + THRESHOLDS.slowMoreMs) return undefined;
  const why = `takes ${formatDuration(now)} (the median run; before, 95 of 100 took ${formatDuration(then)} or less)`;
  return { kind: 'slow', why, cause: SLOW_CAUSE };
}

function badMemory(runs: ProbationRuns, good: ProbationRuns): Rejection | undefined {
  if (runs.memoryBytes === null || good.memoryBytes === null) return undefined;
  if (Math.min(runs.readings, good.readings) < LEAST_READINGS) return undefined;
  const { memoryBytes: now } = runs;
  const { memoryBytes: then } = good;
  if (now <= THRESHOLDS.memoryTimes * then || now <= then + THRESHOLDS.memoryMoreBytes) return undefined;
  return { kind: 'memory', why: `holds ${formatSize(now)} in one worker (before: ${formatSize(then)})`, cause: null };
}

/** The value that this share of the values does not exceed. */
function share(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!;
}

/** A few runs are enough to say that the good version is as slow. */
function atLeast(durations: readonly number[]): number[] {
  return Array.from(
    { length: Math.max(THRESHOLDS.leastDurations, durations.length) },
    (_, i) => durations[i % durations.length]!,
  );
}

function faultText(fault: PlainFault | null): string {
  const line = fault?.message.split('\n', 1)[0];
  return line ? line.slice(0, 200) : 'no reason kept';
}
