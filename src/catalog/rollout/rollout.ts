import type { RolloutState } from '../ports.ts';
import type { Resolved } from '../resolve/agent.ts';
import type { Rejection } from './probation.ts';

/** A state of an agent that is not taken any more. */
export interface Rejected extends Rejection {
  fingerprint: string;
  version: string;
  /** Epoch ms. */
  at: number;
  /** Causes that did not count against the state. */
  waived: string[];
}

/** The known states of an agent. A rollout is kept in the versions' folder, and replaced as a whole when it changes. */
export interface Rollout {
  /** The newest state that is known to be good. */
  good: Resolved | null;
  /** The good state before it that had another version: a rollback by hand goes there. */
  before: Resolved | null;
  /** The state that is tried now. `waived`: causes of failure that the good state has as well. */
  probation: { fingerprint: string; since: number; waived: string[] } | null;
  /** Newest first. */
  bad: Rejected[];
  /** The state to which a person holds the agent until its files say anything else than `against`. */
  pin: { resolved: Resolved; against: string; at: number } | null;
}

/** The state of an agent that runs, and why. */
export interface Selection {
  rollout: Rollout;
  /** The state that is to run. */
  inForce: Resolved;
  is: RolloutState;
  /** The reason why the state that the files describe does not run. */
  rejected?: Rejected;
}

const KEPT_BAD = 10;

/** The rollout of an agent of which no state is known. */
export const NO_ROLLOUT: Rollout = { good: null, before: null, probation: null, bad: [], pin: null };

/**
 * Selects the state of an agent that runs when its files describe `wanted`. A state is known by its fingerprint
 * (version, settings, limits, needs, workers), so a new schedule alone begins no probation. A bad state never runs, as
 * long as there is a good state.
 */
export function selectVersion(rollout: Rollout, wanted: Resolved, now: number): Selection {
  const { fingerprint } = wanted.agent;
  const { pin } = rollout;
  if (pin?.against === fingerprint) return { rollout, inForce: pin.resolved, is: 'pinned' };
  const free = pin ? released(rollout) : rollout;
  const rejected = free.bad.find((one) => one.fingerprint === fingerprint);
  if (rejected && free.good) {
    return {
      rollout: free.probation ? { ...free, probation: null } : free,
      inForce: free.good,
      is: 'rolled-back',
      rejected,
    };
  }
  if (free.good?.agent.fingerprint === fingerprint) {
    const isSame = free.good === wanted && !free.probation;
    return { rollout: isSame ? free : { ...free, good: wanted, probation: null }, inForce: wanted, is: 'good' };
  }
  if (free.probation?.fingerprint === fingerprint) return { rollout: free, inForce: wanted, is: 'probation' };
  const probation = { fingerprint, since: now, waived: [] };
  return { rollout: { ...free, probation }, inForce: wanted, is: 'probation' };
}

/** Marks the state on probation as good; does nothing when it is not on probation any more. */
export function approveVersion(rollout: Rollout, state: Resolved): Rollout {
  const { fingerprint } = state.agent;
  if (rollout.probation?.fingerprint !== fingerprint) return rollout;
  return promoted({ ...rollout, probation: null }, state);
}

/**
 * Marks the state on probation as bad; does nothing when it is not on probation any more, or there is no state to go
 * back to.
 */
export function rejectVersion(rollout: Rollout, rejected: Omit<Rejected, 'waived'>): Rollout {
  if (rollout.probation?.fingerprint !== rejected.fingerprint || !rollout.good) return rollout;
  const others = rollout.bad.filter(({ fingerprint }) => fingerprint !== rejected.fingerprint);
  return {
    ...rollout,
    probation: null,
    bad: [{ ...rejected, waived: rollout.probation.waived }, ...others].slice(0, KEPT_BAD),
  };
}

/** Tries a rejected state again; failures of the cause do not count against it. */
export function waiveCause(rollout: Rollout, fingerprint: string, cause: string, now: number): Rollout {
  const rejected = rollout.bad.find((one) => one.fingerprint === fingerprint);
  if (!rejected) return rollout;
  const waived = [...new Set([...rejected.waived, cause])];
  return { ...forgiven(rollout, fingerprint), probation: { fingerprint, since: now, waived } };
}

/** Holds the agent to `state` as a person asks, whatever the files say, until they say something else. */
export function pinTo(rollout: Rollout, state: Resolved, wanted: Resolved, now: number): Rollout {
  const against = wanted.agent.fingerprint;
  if (state.agent.fingerprint === against)
    return promoted({ ...forgiven(rollout, against), pin: null, probation: null }, wanted);
  return { ...rollout, probation: null, pin: { resolved: state, against, at: now } };
}

/** Takes the state of the files again, on probation if it is not known to be good. */
export function unpin(rollout: Rollout, wanted: Resolved): Rollout {
  return { ...forgiven(rollout, wanted.agent.fingerprint), pin: null };
}

/** A pin that is over leaves the state that it held to as the good state: a person chose it. */
function released(rollout: Rollout): Rollout {
  const { pin } = rollout;
  return pin ? promoted({ ...rollout, pin: null }, pin.resolved) : rollout;
}

function promoted(rollout: Rollout, state: Resolved): Rollout {
  const { good, before } = rollout;
  const isOther = good && good.agent.version.id !== state.agent.version.id;
  return { ...rollout, good: state, before: isOther ? good : before };
}

function forgiven(rollout: Rollout, fingerprint: string): Rollout {
  return { ...rollout, bad: rollout.bad.filter((one) => one.fingerprint !== fingerprint) };
}
