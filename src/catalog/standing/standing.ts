import type { StandingWord } from '../ports.ts';
import type { Resolved } from '../resolve/agent.ts';
import type { Rejection } from './probation.ts';

/** A state of an agent that is not taken any more. */
export interface Rejected extends Rejection {
  fingerprint: string;
  version: string;
  /** Epoch ms. */
  at: number;
  /** Causes that were not held against it. */
  excused: string[];
}

/** What is known of an agent's states. It is kept in the versions' folder, and replaced as a whole when it changes. */
export interface Standing {
  /** The newest state that is known to be good. */
  good: Resolved | null;
  /** The good state before it that had another version: where a rollback by hand goes. */
  before: Resolved | null;
  /** What is tried now. `excused`: causes of failure that the good state has as well. */
  trial: { fingerprint: string; since: number; excused: string[] } | null;
  /** Newest first. */
  bad: Rejected[];
  /** A person holds the agent to a state until its files say anything else than `against`. */
  pin: { resolved: Resolved; against: string; at: number } | null;
}

export interface Taken {
  standing: Standing;
  /** What is to run. */
  inForce: Resolved;
  is: StandingWord;
  /** Why what the files say is not what runs. */
  rejected?: Rejected;
}

const KEPT_BAD = 10;

export const NO_STANDING: Standing = { good: null, before: null, trial: null, bad: [], pin: null };

/**
 * Which state of an agent runs, when its files say `wanted`. A state is known by its fingerprint (version, settings,
 * limits, needs, workers), so a new schedule alone is no trial. What runs is never bad, as long as there is a good state.
 */
export function take(standing: Standing, wanted: Resolved, now: number): Taken {
  const { fingerprint } = wanted.agent;
  const { pin } = standing;
  if (pin?.against === fingerprint) return { standing, inForce: pin.resolved, is: 'pinned' };
  const free = pin ? released(standing) : standing;
  const rejected = free.bad.find((one) => one.fingerprint === fingerprint);
  if (rejected && free.good) {
    return { standing: free.trial ? { ...free, trial: null } : free, inForce: free.good, is: 'rolled-back', rejected };
  }
  if (free.good?.agent.fingerprint === fingerprint) {
    const isSame = free.good === wanted && !free.trial;
    return { standing: isSame ? free : { ...free, good: wanted, trial: null }, inForce: wanted, is: 'good' };
  }
  if (free.trial?.fingerprint === fingerprint) return { standing: free, inForce: wanted, is: 'candidate' };
  const trial = { fingerprint, since: now, excused: [] };
  return { standing: { ...free, trial }, inForce: wanted, is: 'candidate' };
}

/** The state on trial is good. Nothing happens when it is not on trial any more. */
export function approve(standing: Standing, state: Resolved): Standing {
  const { fingerprint } = state.agent;
  if (standing.trial?.fingerprint !== fingerprint) return standing;
  return promoted({ ...standing, trial: null }, state);
}

/** The state on trial is bad. Nothing happens when it is not on trial any more, or there is nothing to go back to. */
export function reject(standing: Standing, rejected: Omit<Rejected, 'excused'>): Standing {
  if (standing.trial?.fingerprint !== rejected.fingerprint || !standing.good) return standing;
  const others = standing.bad.filter(({ fingerprint }) => fingerprint !== rejected.fingerprint);
  return {
    ...standing,
    trial: null,
    bad: [{ ...rejected, excused: standing.trial.excused }, ...others].slice(0, KEPT_BAD),
  };
}

/** A rejected state is tried again, and failures of the cause are not held against it. */
export function excuse(standing: Standing, fingerprint: string, cause: string, now: number): Standing {
  const rejected = standing.bad.find((one) => one.fingerprint === fingerprint);
  if (!rejected) return standing;
  const excused = [...new Set([...rejected.excused, cause])];
  return { ...forgiven(standing, fingerprint), trial: { fingerprint, since: now, excused } };
}

/** A person wants `state`, whatever the files say, until they say something else. */
export function pinTo(standing: Standing, state: Resolved, wanted: Resolved, now: number): Standing {
  const against = wanted.agent.fingerprint;
  if (state.agent.fingerprint === against)
    return promoted({ ...forgiven(standing, against), pin: null, trial: null }, wanted);
  return { ...standing, trial: null, pin: { resolved: state, against, at: now } };
}

/** What the files say is taken again, on trial if it is not known to be good. */
export function unpin(standing: Standing, wanted: Resolved): Standing {
  return { ...forgiven(standing, wanted.agent.fingerprint), pin: null };
}

/** Versions that must not be pruned. */
export function versionsIn({ good, before, pin }: Standing): string[] {
  return [good, before, pin?.resolved].flatMap((one) =>
    one ? `${one.agent.version.plugin}/${one.agent.version.id}` : [],
  );
}

/** A pin that is over leaves what it held to as the good state: a person chose it. */
function released(standing: Standing): Standing {
  const { pin } = standing;
  return pin ? promoted({ ...standing, pin: null }, pin.resolved) : standing;
}

function promoted(standing: Standing, state: Resolved): Standing {
  const { good, before } = standing;
  const isOther = good && good.agent.version.id !== state.agent.version.id;
  return { ...standing, good: state, before: isOther ? good : before };
}

function forgiven(standing: Standing, fingerprint: string): Standing {
  return { ...standing, bad: standing.bad.filter((one) => one.fingerprint !== fingerprint) };
}
