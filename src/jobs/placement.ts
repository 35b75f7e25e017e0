import type { PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Agent, VersionRef } from './agent.ts';
import { rightsOf } from './rights.ts';
import type { Growth } from './scaling.ts';

/**
 * The holder of an agent. `safe-mode`: the host, after starts that failed · `person`: a pause · `setup`: a secret that is missing ·
 * `quarantine`: its restart budget is spent · `pressure`: the machine is short, jobs of low priority wait.
 */
type Holder = 'safe-mode' | 'person' | 'setup' | 'quarantine' | 'pressure';

/** Why an agent starts no jobs now, or not all of them. The same answer goes to jobs, schedule and status. */
export interface Hold {
  by: Holder;
  /** Epoch ms; null where it is not on record. */
  since: number | null;
  /** Epoch ms: the hold ends then, or lets one job through. null: not by itself, or the job is let through already. */
  until: number | null;
  /** A sentence, as a skipped slot keeps it. */
  reason: string;
  /** A step that people can take. */
  next: string;
  /** How many attempts of the agent may be under way: 0, 1 for a probe, Infinity for no bound. */
  allowance: number;
  /** Jobs of a lower priority wait, whatever `allowance` says. Default: none do. */
  leastPriority?: number;
  /** Of a quarantine: the id of its incident (empty until the store has given one), and its failed probes. */
  quarantine?: { incident: string; probes: number };
}

/**
 * The decision for one agent: what is to run, with how many workers, in which cell, and who holds it.
 * {@link planPlacement} is the only place that makes one.
 */
export interface Placement {
  /** The agent as its workers are to be started: the one in force, or the good state before it. */
  agent: Agent;
  /** The version that takes new jobs now: as a rule the one before it, until the first worker of `agent` is ready. */
  version: VersionRef;
  /** The fingerprint of which one worker stays warm without work; null: none has to. */
  keepWarm: string | null;
  /** True: the agent before it takes no more jobs, though no worker of this one is ready. */
  takesOverAtOnce: boolean;
  /**
   * Worker counts, 0 ≤ `min` ≤ `target` ≤ `max`: `target` workers are kept though they have no work, and there are never
   * more than `max`. With `max` 0 the workers go when they have done what they hold.
   */
  workers: { min: number; target: number; max: number };
  /** Whether its workers share a cell with those of other agents: only agents without rights do that are not critical. */
  cell: 'shared' | 'own';
  hold: Hold | null;
}

/** Facts that can hold an agent. A fact that is left out does not hold it. */
export interface HoldFacts {
  /** The agent's name. */
  name: string;
  safeMode?: { since: number; reason: string } | undefined;
  /** A person's pause; `until` null: without end. */
  pause?: { since: number | null; until: number | null } | undefined;
  /** The secret or setting that the agent in force lacks. */
  lacks?: { since: number; fault: PlainFault } | undefined;
  /** The good state before a version on probation; `isReady`: it lacks nothing. */
  good?: { agent: Agent; isReady: boolean } | undefined;
  quarantine?: { since: number; incident: string; probes: number; nextProbeAt: number; allowance: number } | undefined;
  pressure?: PressureHold | undefined;
}

/** Limits on an agent while the machine is short. */
export interface PressureHold {
  /** Epoch ms. */
  since: number;
  growth: Growth;
  /** Jobs of a lower priority wait. Default: none do. */
  leastPriority?: number | undefined;
  /** All of its jobs wait. Default: they do not. */
  waits?: boolean;
  /** The figures behind it, in words. */
  seen: string;
}

export interface PlacementFacts extends Omit<HoldFacts, 'name'> {
  /** The agent in force. */
  agent: Agent;
  /** The agent as the workers know it that take its jobs now; undefined: it has no workers. */
  serving?: Agent | undefined;
  /** The agent in force is not on probation: a rollback or a person chose it over the one before. Default false. */
  isChosen?: boolean | undefined;
  /** Workers that the agent may have now, by its load. Default: as many as its file says at most. */
  scaledTo?: number | undefined;
  /** Healing gave the agent a cell of its own, or the agent took a shared cell down too often. */
  isApart?: boolean | undefined;
}

/** Decides the placement of one agent. An agent without further facts runs as its file says. */
export function planPlacement(facts: PlacementFacts): Placement {
  const agent = substituteOf(facts) ?? facts.agent;
  const hold = planHold({ ...facts, name: facts.agent.name });
  return {
    agent,
    version: (facts.serving ?? agent).version,
    keepWarm: facts.good?.agent.fingerprint ?? null,
    takesOverAtOnce: facts.isChosen ?? false,
    workers: countsOf(agent, hold, facts),
    cell: isAlone(agent) || facts.isApart ? 'own' : 'shared',
    hold,
  };
}

/** A critical agent shares with nobody: a neighbour that takes the cell down would cost it a slot. */
function isAlone(agent: Agent): boolean {
  return agent.isolation === 'own' || agent.class === 'critical' || rightsOf(agent).length > 0;
}

/**
 * The hold of an agent, by its name alone: it may have jobs without being in force. Of several holds the one counts
 * that has to end first: nothing that is done about another would help before.
 */
export function planHold(facts: HoldFacts): Hold | null {
  const hold = firstHold(facts);
  const { leastPriority, waits = false, since = null, seen } = facts.pressure ?? {};
  if (leastPriority === undefined && !waits) return hold;
  const limits = given({ leastPriority, allowance: waits ? 0 : undefined });
  if (hold) return { ...hold, ...limits };
  const which = waits ? 'its work' : `jobs of a priority below ${leastPriority}`;
  return {
    by: 'pressure',
    since,
    until: null,
    reason: `the machine is short (${seen}): ${which} ${waits ? 'waits' : 'wait'}`,
    next: 'daruma status',
    allowance: Number.POSITIVE_INFINITY,
    ...limits,
  };
}

/** Whether nothing of the agent starts, or nothing but a probe, for a reason of its own: pressure is the machine's. */
export function isHeld(hold: Hold | null): hold is Hold & { by: Exclude<Holder, 'pressure'> } {
  return hold !== null && hold.by !== 'pressure';
}

/** Whether a job of that priority waits because the machine is short. */
export function isDeferred(hold: Hold | null, priority: number): hold is Hold {
  if (hold === null) return false;
  const isBelow = hold.leastPriority !== undefined && priority < hold.leastPriority;
  return isBelow || (hold.by === 'pressure' && hold.allowance === 0);
}

function firstHold(facts: HoldFacts): Hold | null {
  const { name, safeMode, pause, lacks, quarantine } = facts;
  const closed = { until: null, next: `daruma resume ${name}`, allowance: 0 };
  if (safeMode) return { ...closed, by: 'safe-mode', ...safeMode };
  if (pause) {
    const { since, until } = pause;
    const reason = until === null ? 'paused by hand' : `paused until ${isoOf(until)}`;
    return { ...closed, by: 'person', since, until, reason };
  }
  if (lacks && !substituteOf(facts)) {
    const { message, next = 'daruma secrets' } = lacks.fault;
    return { ...closed, by: 'setup', since: lacks.since, reason: message, next };
  }
  if (quarantine) {
    const { since, incident, probes, nextProbeAt, allowance } = quarantine;
    const reason = `quarantined${incident ? `: ${incident}` : ''}`;
    const until = allowance > 0 ? null : nextProbeAt;
    return { ...closed, by: 'quarantine', since, until, reason, allowance, quarantine: { incident, probes } };
  }
  return null;
}

/** The good state that runs while the agent in force lacks something; undefined: the agent itself is to run. */
function substituteOf({ lacks, good }: Omit<HoldFacts, 'name'>): Agent | undefined {
  return lacks && good?.isReady ? good.agent : undefined;
}

function countsOf(agent: Agent, hold: Hold | null, facts: PlacementFacts): Placement['workers'] {
  const { workers, always } = agent;
  // A cold start takes longer than a slot may wait where the machine is short, and the next slot is skipped for it.
  const min = agent.class === 'critical' && !always ? Math.max(1, workers.min) : workers.min;
  const least = Math.max(1, min);
  const isScaled = facts.scaledTo !== undefined;
  let max = Math.min(workers.max, Math.max(least, facts.scaledTo ?? workers.max));
  if (hold?.by === 'safe-mode' || hold?.by === 'setup') return { min: 0, target: 0, max: 0 };
  // A run that does not end by itself is stopped by a pause; jobs are let finish.
  if (always && hold?.by === 'person') return { min: 0, target: 0, max: 0 };
  // While the machine is short no pool grows beyond what it has by its load, or what its author was promised; then beyond one.
  if (facts.pressure?.growth === 'shrink') return { min: 0, target: 0, max: 1 };
  if (facts.pressure?.growth === 'held' && !isScaled) max = least;
  // No worker is kept warm that would only crash.
  if (facts.quarantine) return { min: 0, target: 0, max };
  // The first worker comes with the first job, what load asks for is there before the next.
  return { min, target: isScaled && max > least ? max : min, max };
}
