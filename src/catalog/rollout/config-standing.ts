import type { ChangedSetting } from './config-change.ts';
import type { Struck } from './fleet-band.ts';

/** Settings of the host that are not known to be good yet. Times in epoch ms. */
export interface ConfigTrial {
  id: string;
  since: number;
  /** Hosts that began with them, this one included. */
  starts: number;
  /** Of the earlier ones: those that ended unasked. */
  lost: number;
  /** Hosts in a row that did not work for long; this one counts until it has. */
  failed: number;
  /** Causes of failure that the good settings have as well. {@link HOST_CAUSE}: hosts that are lost. */
  excused: string[];
}

/**
 * Why settings are bad. `fleet`: agents do worse than before · `lost`: hosts ended unasked · `start`: a host cannot start
 * with them · `by-hand`.
 */
export type ConfigHarm = 'fleet' | 'lost' | 'start' | 'by-hand';

/** Settings of the host that are not taken any more. */
export interface BadConfig {
  id: string;
  kind: ConfigHarm;
  /** What comes after "config/daruma.yaml (…): ". */
  why: string;
  /** When they were first tried, and when they were taken back. */
  since: number;
  at: number;
  changed: ChangedSetting[];
  struck: Struck[];
  excused: string[];
  /** `open`: it may still turn out that it was not the settings. */
  appeal: 'open' | 'over';
  /** For `lost`: hosts in a row that did not work for long with the good ones either. */
  after: number;
  /** The incident is written, and what failed meanwhile is run again. */
  isTold: boolean;
}

/** What is known of the host's settings, beside the text that last worked. Replaced as a whole when it changes. */
export interface ConfigStanding {
  trial: ConfigTrial | null;
  /** Newest first. */
  bad: BadConfig[];
}

/** What is to be in force. */
export type ConfigTaken =
  | { is: 'good' }
  | { is: 'on-trial'; trial: ConfigTrial }
  | { is: 'taken-back'; bad: BadConfig };

export const NO_CONFIG_STANDING: ConfigStanding = { trial: null, bad: [] };
export const HOST_CAUSE = 'host';
/** So many hosts in a row that did not work for long: one less than what brings safe mode. One may be an accident. */
export const MOST_FAILED = 2;
const KEPT_BAD = 10;

/**
 * Which settings a host begins with, when its file is `id` and differs in `changed` from those that last worked (nothing:
 * it is the same, or none ever worked). What is bad stays so until the file says something else.
 */
export function takeConfig(
  rollout: ConfigStanding,
  id: string,
  changed: ChangedSetting[],
  now: number,
): { rollout: ConfigStanding; taken: ConfigTaken } {
  if (changed.length === 0) return { rollout: withoutTrial(rollout), taken: { is: 'good' } };
  const bad = rollout.bad.find((one) => one.id === id);
  if (bad && isExcusedByHost(bad)) return tried(excuse(rollout, id, [HOST_CAUSE], now), id, now);
  if (bad) return { rollout: withoutTrial(rollout), taken: { is: 'taken-back', bad } };
  const { trial } = rollout;
  if (trial?.id === id && trial.failed >= MOST_FAILED && !trial.excused.includes(HOST_CAUSE)) {
    const why = `${trial.failed} hosts in a row did not come up, or were lost at once`;
    const after = reject(rollout, { kind: 'lost', why, changed, struck: [] }, now);
    return { rollout: after, taken: { is: 'taken-back', bad: after.bad[0]! } };
  }
  return tried(rollout, id, now);
}

/**
 * Whether this is the first host that went back because others were lost: their failed starts are not counted against
 * it, or it would begin in safe mode for what the settings did.
 */
export function isFresh(taken: ConfigTaken): boolean {
  return taken.is === 'taken-back' && taken.bad.kind === 'lost' && !taken.bad.isTold && taken.bad.after === 0;
}

/** A host begins with them. `wasLost`: the one before ended unasked · `afresh`: a person started it, perhaps after a repair. */
export function begun(
  rollout: ConfigStanding,
  taken: ConfigTaken,
  { wasLost, afresh }: { wasLost: boolean; afresh: boolean },
): ConfigStanding {
  if (taken.is === 'taken-back' && taken.bad.kind === 'lost' && taken.bad.appeal === 'open') {
    return withBad(rollout, taken.bad.id, (one) => ({ ...one, after: one.after + 1 }));
  }
  const { trial } = rollout;
  if (taken.is !== 'on-trial' || !trial) return rollout;
  const lost = trial.lost + (wasLost && trial.starts > 0 ? 1 : 0);
  return {
    ...rollout,
    trial: { ...trial, starts: trial.starts + 1, lost, failed: (afresh ? 0 : trial.failed) + 1 },
  };
}

/** The host has worked for a while. */
export function worked(rollout: ConfigStanding, taken: ConfigTaken): ConfigStanding {
  if (taken.is === 'taken-back' && taken.bad.kind === 'lost') return appealOver(rollout, taken.bad.id);
  return stopped(rollout);
}

/** The host ended as it was asked to, or told why it cannot start: that is no failure of its own. */
export function stopped(rollout: ConfigStanding): ConfigStanding {
  const { trial, bad } = rollout;
  if (!trial?.failed && bad.every(({ after }) => after === 0)) return rollout;
  return { trial: trial && { ...trial, failed: 0 }, bad: bad.map((one) => ({ ...one, after: 0 })) };
}

/** What is on trial is good. Its text is kept by whoever calls. */
export function approve(rollout: ConfigStanding): ConfigStanding {
  return withoutTrial(rollout);
}

/** What is on trial is bad. Nothing happens when nothing is. */
export function reject(
  rollout: ConfigStanding,
  why: Pick<BadConfig, 'kind' | 'why' | 'changed' | 'struck'>,
  now: number,
): ConfigStanding {
  const { trial } = rollout;
  if (!trial) return rollout;
  // Settings that were excused once are not tried by turns for ever.
  const mayAppeal = why.kind !== 'by-hand' && why.kind !== 'start' && trial.excused.length === 0;
  const bad: BadConfig = {
    ...why,
    id: trial.id,
    since: trial.since,
    at: now,
    excused: trial.excused,
    appeal: mayAppeal ? 'open' : 'over',
    after: 0,
    isTold: false,
  };
  const others = rollout.bad.filter(({ id }) => id !== trial.id);
  return { trial: null, bad: [bad, ...others].slice(0, KEPT_BAD) };
}

/** Rejected settings are tried again, and failures of these causes are not held against them. */
export function excuse(rollout: ConfigStanding, id: string, causes: readonly string[], now: number): ConfigStanding {
  const bad = rollout.bad.find((one) => one.id === id);
  if (!bad) return rollout;
  const excused = [...new Set([...bad.excused, ...causes])];
  const trial: ConfigTrial = { id, since: now, starts: 0, lost: 0, failed: 0, excused };
  return { trial, bad: rollout.bad.filter((one) => one !== bad) };
}

/** A person wants them, whatever was seen. */
export function forgive(rollout: ConfigStanding, id: string): ConfigStanding {
  return { trial: null, bad: rollout.bad.filter((one) => one.id !== id) };
}

/** It was the settings: the good ones do what they could not. */
export function appealOver(rollout: ConfigStanding, id: string): ConfigStanding {
  return withBad(rollout, id, (one) => (one.appeal === 'over' ? one : { ...one, appeal: 'over', after: 0 }));
}

export function told(rollout: ConfigStanding, id: string): ConfigStanding {
  return withBad(rollout, id, (one) => ({ ...one, isTold: true }));
}

function tried(rollout: ConfigStanding, id: string, now: number) {
  const known = rollout.trial?.id === id ? rollout.trial : undefined;
  const trial = known ?? { id, since: now, starts: 0, lost: 0, failed: 0, excused: [] };
  const taken: ConfigTaken = { is: 'on-trial', trial };
  return { rollout: known ? rollout : { ...rollout, trial }, taken };
}

/** The host before this one did no better with the good settings. */
function isExcusedByHost({ kind, appeal, after }: BadConfig): boolean {
  return kind === 'lost' && appeal === 'open' && after > 0;
}

function withoutTrial(rollout: ConfigStanding): ConfigStanding {
  return rollout.trial ? { ...rollout, trial: null } : rollout;
}

function withBad(rollout: ConfigStanding, id: string, change: (one: BadConfig) => BadConfig): ConfigStanding {
  return { ...rollout, bad: rollout.bad.map((one) => (one.id === id ? change(one) : one)) };
}
