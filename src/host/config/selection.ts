import type { ChangedSetting } from './change.ts';

/** Changed settings of the host, until hosts have worked with them for {@link PROBATION_MS}. Times in epoch ms. */
interface ConfigProbation {
  id: string;
  since: number;
  /** Hosts with these settings that ended unasked. */
  lost: number;
  /** A host began with these settings and has not ended in order. */
  isOpen: boolean;
}

/** Why settings are bad. `lost`: hosts ended unasked · `start`: a host cannot start with them · `by-hand`: a person went back. */
type ConfigHarm = 'lost' | 'start' | 'by-hand';

/** Settings of the host that are used no more, until the file says something else or a person forces them. */
export interface BadConfig {
  id: string;
  kind: ConfigHarm;
  /** Follows "config/daruma.yaml (…): ". */
  why: string;
  /** When the settings were first used, and when the host went back; epoch ms. */
  since: number;
  at: number;
  changed: ChangedSetting[];
  /** The incident is written, and jobs that died with a host are queued again. */
  isReported: boolean;
}

/** The host's memory of its settings beside the text that last worked. Replaced as a whole. */
export interface ConfigHistory {
  probation: ConfigProbation | null;
  /** Newest first, at most ten. */
  bad: BadConfig[];
}

/** Which settings a host works with. */
export type ConfigSelection =
  | { is: 'good' }
  | { is: 'on-probation'; probation: ConfigProbation }
  /** `isNew`: this very start decided it, because hosts were lost. */
  | { is: 'taken-back'; bad: BadConfig; isNew: boolean };

export const NO_CONFIG_HISTORY: ConfigHistory = { probation: null, bad: [] };
/** Settings with which no second host was lost for so long are good. */
export const PROBATION_MS = 600_000;
/** The host goes back after so many lost hosts: one less than what brings safe mode, and a single one may be an accident. */
export const MOST_LOST = 2;
const KEPT_BAD = 10;

/**
 * Which settings a host begins with, when its file is `id` and differs in `changed` from the settings that last worked.
 * No change means that the file says the same, or that no settings ever worked. Bad settings stay bad until the file
 * says something else. `now` in epoch ms.
 */
export function selectConfig(
  history: ConfigHistory,
  id: string,
  changed: ChangedSetting[],
  now: number,
): { history: ConfigHistory; selection: ConfigSelection } {
  if (changed.length === 0) return { history: withoutProbation(history), selection: { is: 'good' } };
  const bad = history.bad.find((known) => known.id === id);
  if (bad) return { history: withoutProbation(history), selection: { is: 'taken-back', bad, isNew: false } };
  const known = history.probation?.id === id ? history.probation : undefined;
  if (known && lostSoFar(known) >= MOST_LOST) {
    const why = 'the host was lost twice in its first ten minutes with them';
    const after = rejectConfig(history, { kind: 'lost', why, changed }, now);
    return { history: after, selection: { is: 'taken-back', bad: after.bad[0]!, isNew: true } };
  }
  // A clock that was set back must not make the probation longer.
  const probation = known
    ? { ...known, since: Math.min(known.since, now) }
    : { id, since: now, lost: 0, isOpen: false };
  return { history: { ...history, probation }, selection: { is: 'on-probation', probation } };
}

/**
 * A host begins with the settings on probation. `isFirstStart`: a person starts it, perhaps after a repair, so that lost hosts
 * of before do not count and the time begins anew.
 */
export function configBegun(
  history: ConfigHistory,
  { isFirstStart, now }: { isFirstStart: boolean; now: number },
): ConfigHistory {
  const { probation } = history;
  if (!probation) return history;
  const counted = isFirstStart ? { since: now, lost: 0 } : { lost: lostSoFar(probation) };
  return { ...history, probation: { ...probation, ...counted, isOpen: true } };
}

/** The host ended in order, or said why it cannot start: it was not lost. */
export function configEnded(history: ConfigHistory): ConfigHistory {
  const { probation } = history;
  return probation?.isOpen ? { ...history, probation: { ...probation, isOpen: false } } : history;
}

/** The settings on probation are good. The caller keeps their text. */
export function approveConfig(history: ConfigHistory): ConfigHistory {
  return withoutProbation(history);
}

/** The settings on probation are bad. Changes nothing when there are none. */
export function rejectConfig(
  history: ConfigHistory,
  why: Pick<BadConfig, 'kind' | 'why' | 'changed'>,
  now: number,
): ConfigHistory {
  const { probation } = history;
  if (!probation) return history;
  const { id, since } = probation;
  const bad: BadConfig = { ...why, id, since, at: now, isReported: false };
  // Settings on probation are none of the bad ones: see selectConfig.
  return { probation: null, bad: [bad, ...history.bad].slice(0, KEPT_BAD) };
}

/** A person wants the settings, whatever happened with them. */
export function forgiveConfig(history: ConfigHistory, id: string): ConfigHistory {
  return { probation: null, bad: history.bad.filter((known) => known.id !== id) };
}

/** The incident about the bad settings is written. */
export function configReported(history: ConfigHistory, id: string): ConfigHistory {
  return { ...history, bad: history.bad.map((known) => (known.id === id ? { ...known, isReported: true } : known)) };
}

function lostSoFar({ lost, isOpen }: ConfigProbation): number {
  return lost + (isOpen ? 1 : 0);
}

function withoutProbation(history: ConfigHistory): ConfigHistory {
  return history.probation ? { ...history, probation: null } : history;
}
