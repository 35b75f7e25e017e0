import type { DrillView } from '../control/protocol.ts';
import { MB } from '../kernel/measures.ts';

/** A promise that a drill puts to the test. */
export interface DrillPromise {
  name: string;
  /** The promise in a sentence, for people. */
  promise: string;
  /** From the fault until it is repaired, in ms. */
  promisedMs: number;
}

/** A fault that is put into a canary on purpose, and the promise about it. */
export interface CanaryPlan extends DrillPromise {
  /** The fault, as the settings of the canary name it. */
  fault: string;
  /** Limits of the canary. */
  limits: { memoryBytes: number; timeoutMs: number; silenceMs: number; graceMs: number };
  /** The canary survives its fault: the drill measures how soon its leavings are gone. */
  survives?: boolean;
}

/** Figures that a drill has measured, as {@link DrillView} says them. */
export type Measured = Pick<DrillView, 'detectMs' | 'repairMs' | 'lost' | 'left' | 'seen'>;

/** A step of a drill that is under way. */
export interface DrillUpdate {
  drill: string;
  /** ISO 8601. */
  at: string;
  what: 'started' | 'fault' | 'seen' | 'repaired' | 'memory' | 'done';
  text: string;
  /** Only with `memory`: the memory of the canary. */
  memoryBytes?: number;
}

const LIMITS = { memoryBytes: 64 * MB, timeoutMs: 2_000, silenceMs: 2_000, graceMs: 200 };
const LONG = { ...LIMITS, timeoutMs: 60_000, silenceMs: 60_000 };

/**
 * The drills on canaries beside the agents of a running host. Bounds are those of the promises: a limit's own length
 * (timeout or silence 2 s, grace 0.2 s) plus the time that detection, kill and restart may take.
 */
export const CANARY_PLANS: readonly CanaryPlan[] = [
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
    promise: 'a process that is killed under its workers costs each of their jobs one attempt',
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
export const ORIGIN_PLAN: CanaryPlan = {
  name: 'origin-down',
  promise: 'a job whose server is down waits, and is done soon after it is back, with no attempt lost',
  promisedMs: 10_250,
  fault: 'origin',
  limits: LONG,
};

/** Holds a promise against the figures that were measured. */
export function drillView({ name, promise, promisedMs }: DrillPromise, measured: Measured): DrillView {
  const isInTime = measured.repairMs !== null && measured.repairMs <= promisedMs;
  return { name, promise, promisedMs, ...measured, ok: isInTime && measured.lost === 0 && measured.left === 0 };
}
