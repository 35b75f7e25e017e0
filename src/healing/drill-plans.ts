import type { AgentLimits } from '../jobs/agent.ts';

/** One fault that is put into a canary on purpose, and what is promised about it. */
export interface DrillPlan {
  name: string;
  /** The promise in one sentence, for people. */
  promise: string;
  /** From the fault until the same job runs on a clean worker, or until nothing is left: in ms. */
  promisedMs: number;
  /** What the canary's settings name. */
  fault: string;
  limits: Pick<AgentLimits, 'memoryBytes' | 'timeoutMs' | 'silenceMs' | 'graceMs'>;
  /** The canary survives its fault; what is measured is how soon its leavings are gone. */
  survives?: boolean;
}

/** What came of a drill. */
export interface DrillResult {
  name: string;
  promise: string;
  /** From the fault until it was seen; null when it never was. */
  detectMs: number | null;
  /** From the fault until the job ran on a clean worker, or everything was cleared away. */
  repairMs: number | null;
  promisedMs: number;
  /** Jobs that did not end as done. */
  lost: number;
  /** Threads, processes and zombies that were left. */
  left: number;
  /** What ended the worker, as the host told it. */
  seen: string | null;
  ok: boolean;
  /** Set when the machine cannot carry the drill; it is neither kept nor broken then. */
  skipped?: string;
}

const LIMITS = { memoryBytes: 64 * 1024 ** 2, timeoutMs: 2_000, silenceMs: 2_000, graceMs: 200 };
const LONG = { ...LIMITS, timeoutMs: 60_000, silenceMs: 60_000 };

/**
 * The drills on canaries inside a running host. Bounds are those of the promises: a limit's own length (timeout or
 * silence 2 s, grace 0.2 s) plus what detection, kill and restart may take.
 */
export const DRILL_PLANS: readonly DrillPlan[] = [
  {
    name: 'leak',
    promise: 'a heap over its limit is killed within 600 ms, its job runs again',
    promisedMs: 1_500,
    fault: 'leak',
    limits: LONG,
  },
  {
    name: 'buffers',
    promise: 'buffers over the limit are killed within 600 ms, the job runs again',
    promisedMs: 1_500,
    fault: 'buffers',
    limits: LONG,
  },
  {
    name: 'crash',
    promise: 'a crashed worker’s job runs again on a clean one',
    promisedMs: 1_000,
    fault: 'crash',
    limits: LONG,
  },
  {
    name: 'abort',
    promise: 'a worker that takes its process down costs its job one attempt',
    promisedMs: 10_000,
    fault: 'abort',
    limits: LONG,
  },
  {
    name: 'hang',
    promise: 'a busy loop is killed at its timeout + 1 s',
    promisedMs: 3_500,
    fault: 'spin',
    limits: LIMITS,
  },
  {
    name: 'native',
    promise: 'a thread stuck in native code costs its cell within 3 s after it could not be stopped',
    promisedMs: 8_500,
    fault: 'native',
    limits: LIMITS,
  },
  {
    name: 'silence',
    promise: 'a job that says nothing is killed at its silence limit + 1 s',
    promisedMs: 3_500,
    fault: 'silence',
    limits: { ...LIMITS, timeoutMs: 60_000 },
  },
  {
    name: 'children',
    promise: 'processes of an ended job are gone within 5 s, daemons included',
    promisedMs: 5_000,
    fault: 'children',
    limits: LONG,
    survives: true,
  },
];

/** A server of the drill's own that is down and comes back: its bound counts from there. */
export const ORIGIN_PLAN: DrillPlan = {
  name: 'origin-down',
  promise: 'a job whose server is down waits, and is done soon after it is back, with no attempt lost',
  promisedMs: 10_250,
  fault: 'origin',
  limits: LONG,
};

/** Judges a drill by what was measured. */
export function judgeDrill(
  plan: Pick<DrillPlan, 'name' | 'promise' | 'promisedMs'>,
  found: Pick<DrillResult, 'detectMs' | 'repairMs' | 'lost' | 'left' | 'seen'>,
): DrillResult {
  const { name, promise, promisedMs } = plan;
  const inTime = found.repairMs !== null && found.repairMs <= promisedMs;
  return { name, promise, promisedMs, ...found, ok: inTime && found.lost === 0 && found.left === 0 };
}
