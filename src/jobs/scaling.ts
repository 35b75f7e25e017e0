/**
 * Whether the machine lets agents have more workers. `free`: yes · `held`: no agent gets more · `shrink`: idle workers above an
 * agent's `min` go now, without the time of low load that is waited for otherwise.
 */
export type Growth = 'free' | 'held' | 'shrink';

/** The load of one agent over the last second, and what the host allows it. */
export interface ScalingFacts {
  /** Monotonic ms; of the same clock at each call. */
  at: number;
  /** The bounds of the agent's file. */
  min: number;
  max: number;
  /** Workers that are ready, as a mean of that second. */
  workers: number;
  /** Share of worker time that was at work, 0 … 1: running attempts / (workers × concurrency). null: no worker was ready. */
  busy: number | null;
  /** How long the first due job that waits has waited, in ms; 0: none waits. */
  queueWaitMs: number;
  /** Share of a core that a worker's thread used, 0 … 1, as a mean; null: it was not measured. */
  cpu: number | null;
  /** Share of all cores of the machine in use, 0 … 1; null: it was not measured. */
  machineCpu: number | null;
  growth: Growth;
  /** How many more workers the host may start; Infinity: it has no bound. */
  room: number;
}

/** The memory of {@link planWorkers} between two calls. */
export interface ScalingState {
  /** Workers that the agent may have. */
  target: number;
  /** When `target` last changed; null: not yet. */
  changedAt: number | null;
  /** When `target` last shrank because of low load; null: not yet. */
  shrunkAt: number | null;
  /** Since when fewer workers would have done, and the most that were at work at once since then; null: they would not do now. */
  lowLoad: { since: number; peak: number } | null;
  /** How long the load has to be low before workers go, in ms. */
  stabilizationMs: number;
}

/**
 * Why the number changed. `high-load`: the workers were at work, and jobs waited · `low-load`: fewer workers did for long ·
 * `pressure`: the machine is short · `file`: the agent's file has other bounds.
 */
export type ScalingReason = 'high-load' | 'low-load' | 'pressure' | 'file';

/** The decision of one look. `reason` null: the number stays. */
interface WorkerPlan {
  target: number;
  reason: ScalingReason | null;
  state: ScalingState;
}

/** Lengths in ms, shares 0 … 1. Measured in bench/results/scaling.json. */
export const SCALING = {
  /** Workers are at work from this share on: beyond it the wait of jobs grows faster than the load. */
  highLoad: 0.8,
  /** From here on nobody knows how much work there is: the number doubles. */
  fullLoad: 0.95,
  /** The share that growth aims at: between `highLoad` and `lowLoad`, so that neither follows at once. */
  goalLoad: 0.65,
  /** Fewer workers would do if they were at work for no more than this share; a little more than half, so that one job that goes on needs two workers and not three. */
  lowLoad: 0.55,
  /** A job that waits for this long waits for a worker; less is the way from the queue to it. */
  longWaitMs: 100,
  /** Between a change and the next growth. As long as the load is measured over: what is read then is of the new number. */
  coolDownMs: 1_000,
  /** The load has to be low for this long before workers go. */
  stabilizationMs: 10_000,
  /** The same where it was too short again and again. */
  longestStabilizationMs: 300_000,
  /** A growth within so many times `stabilizationMs` after a shrink says that the shrink came too soon. */
  regretFactor: 4,
  /** With this share of all cores in use, work that burns a core gains nothing by one more worker. */
  fullMachine: 0.95,
} as const;

/** The state of an agent that was never looked at: as few workers as it may have, and the first of them is started by need. */
export function firstScaling({ min, max }: Pick<ScalingFacts, 'min' | 'max'>): ScalingState {
  const target = Math.min(max, leastOf({ min }));
  return { target, changedAt: null, shrunkAt: null, lowLoad: null, stabilizationMs: SCALING.stabilizationMs };
}

/**
 * Decides how many workers an agent may have: more when they were at work and jobs waited nevertheless, fewer when fewer
 * did for long. How many jobs wait is not asked: a crowd that two workers do in a moment needs no third. Pure.
 *
 * Laws: min ≤ target ≤ max · at most one change in {@link SCALING}.coolDownMs, but for changed bounds · a constant load has an
 * end of changes · no growth without work and waiting, and no shrinking within stabilizationMs after a change, but for pressure.
 */
export function planWorkers(facts: ScalingFacts, before: ScalingState): WorkerPlan {
  const least = Math.min(facts.max, leastOf(facts));
  const bounded = Math.min(facts.max, Math.max(least, before.target));
  if (bounded !== before.target) return change(facts, before, bounded, 'file');
  if (!isCool(facts, before)) return keep(before, null);
  if (facts.growth === 'shrink') {
    const needed = Math.max(least, Math.ceil(atWork(facts)));
    if (needed < before.target) return change(facts, before, needed, 'pressure');
  }
  const more = growthOf(facts, before);
  if (more > before.target) return change(facts, before, more, 'high-load');
  const lowLoad = lowLoadOf(facts, before, least);
  if (!lowLoad || facts.at - lowLoad.since < before.stabilizationMs) return keep(before, lowLoad);
  // Half of them at most: a load that comes back finds the other half.
  const fewer = Math.max(neededFor(lowLoad.peak, least), Math.ceil(before.target / 2));
  return change(facts, before, fewer, 'low-load');
}

function leastOf({ min }: Pick<ScalingFacts, 'min'>): number {
  return Math.max(1, min);
}

function isCool({ at }: ScalingFacts, { changedAt }: ScalingState): boolean {
  return changedAt === null || at - changedAt >= SCALING.coolDownMs;
}

/** The larger of the shares of time and of processor: a worker with several jobs at once may have room in its time and none in its core. */
function loadOf({ busy, cpu }: ScalingFacts): number {
  return Math.min(1, Math.max(busy ?? 0, cpu ?? 0));
}

/** How many workers' work there was. */
function atWork(facts: ScalingFacts): number {
  return loadOf(facts) * facts.workers;
}

/** How many workers the load asks for, within what is allowed; the present number where it asks for no more. */
function growthOf(facts: ScalingFacts, { target }: ScalingState): number {
  const { growth, room, max, queueWaitMs, workers } = facts;
  const load = loadOf(facts);
  // Workers that still start are an answer already.
  const areAllThere = workers >= target - 0.5;
  if (growth !== 'free' || room <= 0 || !areAllThere || burnsAllCores(facts)) return target;
  if (load < SCALING.highLoad || queueWaitMs < SCALING.longWaitMs) return target;
  const asked = load >= SCALING.fullLoad ? target * 2 : Math.ceil((target * load) / SCALING.goalLoad);
  return Math.min(max, target + room, Math.max(target + 1, asked));
}

/** Whether the agent's jobs burn cores, and none is left. */
function burnsAllCores({ cpu, machineCpu }: ScalingFacts): boolean {
  return (cpu ?? 0) >= SCALING.lowLoad && (machineCpu ?? 0) >= SCALING.fullMachine;
}

/** Since when fewer workers would do, with the present look; null: they would not. */
function lowLoadOf(facts: ScalingFacts, { target, lowLoad }: ScalingState, least: number): ScalingState['lowLoad'] {
  const peak = Math.max(lowLoad?.peak ?? 0, atWork(facts));
  if (neededFor(peak, least) >= target) return null;
  return { since: lowLoad?.since ?? facts.at, peak };
}

function neededFor(atWorkAtOnce: number, least: number): number {
  return Math.max(least, Math.ceil(atWorkAtOnce / SCALING.lowLoad));
}

function keep(state: ScalingState, lowLoad: ScalingState['lowLoad']): WorkerPlan {
  return { target: state.target, reason: null, state: { ...state, lowLoad } };
}

function change(facts: ScalingFacts, before: ScalingState, target: number, reason: ScalingReason): WorkerPlan {
  const { at } = facts;
  const state = { ...before, target, changedAt: at, lowLoad: null };
  if (reason === 'low-load') state.shrunkAt = at;
  if (reason === 'high-load') state.stabilizationMs = stabilizationAfterGrowth(at, before);
  return { target, reason, state };
}

/** Work that comes and goes at a steady pace is not followed for ever: each shrink that is regretted makes the next one wait for twice as long. */
function stabilizationAfterGrowth(at: number, { shrunkAt, stabilizationMs }: ScalingState): number {
  if (shrunkAt === null) return stabilizationMs;
  const isRegretted = at - shrunkAt < SCALING.regretFactor * stabilizationMs;
  return isRegretted ? Math.min(SCALING.longestStabilizationMs, stabilizationMs * 2) : SCALING.stabilizationMs;
}
