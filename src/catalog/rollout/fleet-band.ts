import { formatDuration } from '../../kernel/units.ts';
import {
  checkAfterRollback,
  evaluateProbation,
  noRuns,
  type ProbationRuns,
  type Rejection,
  THRESHOLDS,
  tail,
} from './probation.ts';

/** How often something was so, of how many. */
export interface Tally {
  hits: number;
  of: number;
}

/** An agent that tells by its runs what a change of the host's settings does. */
export interface Witness {
  agent: string;
  before: ProbationRuns;
  since: ProbationRuns;
  /** Slots whose job began late. */
  lateBefore: Tally;
  lateSince: Tally;
}

/** An agent that does worse than it did. */
export interface Struck {
  agent: string;
  kind: Rejection['kind'] | 'late';
  /** `failed 3 of 3 runs: …` */
  why: string;
  /** Of most of its failures, and how often it came; null for what has none. */
  cause: string | null;
  times: number;
}

/** What became of the hosts themselves. */
export interface HostRecord {
  /** Hosts that have ended, and those of them that ended unasked. */
  ended: number;
  lost: number;
}

export interface FleetFacts {
  witnesses: readonly Witness[];
  hosts: { before: HostRecord; since: HostRecord };
  /** Epoch ms. */
  since: number;
  now: number;
}

export type FleetJudgement =
  | { is: 'wait' }
  | { is: 'good'; why: string }
  | { is: 'bad'; kind: 'fleet' | 'lost'; why: string; struck: Struck[] };

/** The bands of the host's settings, beside those of an agent ({@link THRESHOLDS}), by which each witness is measured. */
export const FLEET_BANDS = {
  /** Failures and late slots of one agent before anything is said of it. */
  leastHits: THRESHOLDS.leastFailures,
  /** How likely one agent is found to do worse although nothing has changed: what its own band allows. */
  struckChance: THRESHOLDS.errorChance,
  /** How likely so many agents may at most be found so by chance alone. */
  fleetChance: 0.02,
  /** One agent that does worse alone has a trouble of its own. */
  leastStruck: 2,
  leastLost: 2,
  lostChance: THRESHOLDS.severeChance,
  /** So many runs that were done make settings good, once every loop of the host has turned … */
  goodRuns: 200,
  leastMs: 30_000,
  /** … or so few, and a quiet time … */
  quietRuns: THRESHOLDS.goodRuns,
  quietMs: THRESHOLDS.quietMs,
  /** … or a day, in which every agent that has work has done some. */
  longestMs: 86_400_000,
} as const;

export const NO_TALLY: Tally = { hits: 0, of: 0 };

/** Whether an agent can tell anything: it has a history, and did well until the change. One that already failed proves nothing. */
export function canTell({ done, failed, inARow }: ProbationRuns): boolean {
  return done + failed >= THRESHOLDS.leastHistory && done > failed && inARow === 0;
}

/** How the agent does worse than before, by the bands of a new version; undefined when it does not. */
export function struckBy({ agent, before, since, lateBefore, lateSince }: Witness, now: number): Struck | undefined {
  // A crash is the plugin's own far more often than the settings': it takes three, as any failure does. The memory of
  // one worker does not hang on them at all.
  const mild = (runs: ProbationRuns): ProbationRuns => ({ ...runs, severe: 0, memoryBytes: null });
  const judged = evaluateProbation(mild(since), mild(before), now);
  if (judged.is === 'bad') {
    const { kind, why, cause } = judged;
    return { agent, kind, why, cause, times: (cause && since.causes[cause]) || 0 };
  }
  const { hits, of } = lateSince;
  const rate = (lateBefore.hits + 1) / (lateBefore.of + 2);
  if (hits < FLEET_BANDS.leastHits || tail(hits, of, rate) >= FLEET_BANDS.struckChance) return undefined;
  const why = `began late in ${hits} of ${of} slots (before: ${lateBefore.hits} of ${lateBefore.of})`;
  return { agent, kind: 'late', why, cause: null, times: hits };
}

/**
 * Whether changed settings of the host are good, bad, or not known yet. Bands, each with its reason:
 *
 * - **agents**: each witness is measured by the band of a new version of it (failures, duration) and by its late slots
 *   (≥ 3, chance < 1 %). Settings are bad when two agents or more do worse (or the only one there is), and so many would
 *   by chance in less than 1 of 50 fleets of that size: each band is wrong once in a hundred, so of 200 agents some
 *   always look worse.
 * - **hosts**: bad when two were lost, unless hosts were lost as often before (chance ≥ 5 %).
 *
 * Good after 200 runs that were done (and half a minute, in which each loop of the host has turned), after 20 and an
 * hour, after an hour when no agent can tell anything, and after a day in any case.
 */
export function judgeFleet({ witnesses, hosts, since, now }: FleetFacts): FleetJudgement {
  const struck = witnesses.flatMap((one) => struckBy(one, now) ?? []);
  const heard = witnesses.filter((one) => one.since.done + one.since.failed + one.lateSince.of > 0).length;
  if (isMany(struck.length, heard, witnesses.length)) {
    return { is: 'bad', kind: 'fleet', why: struckWords(struck, heard), struck };
  }
  const { lost, ended } = hosts.since;
  const { before } = hosts;
  const rate = before.ended === 0 ? 0 : before.lost / before.ended;
  if (lost >= FLEET_BANDS.leastLost && tail(lost, ended, rate) < FLEET_BANDS.lostChance) {
    const why = `${lost} of ${ended} hosts were lost (before: ${before.lost} of ${before.ended})`;
    return { is: 'bad', kind: 'lost', why, struck: [] };
  }
  return isGood(witnesses, struck.length, now - since);
}

function isMany(struck: number, heard: number, witnesses: number): boolean {
  if (struck < Math.min(FLEET_BANDS.leastStruck, Math.max(1, witnesses))) return false;
  return tail(struck, heard, FLEET_BANDS.struckChance) <= FLEET_BANDS.fleetChance;
}

function isGood(witnesses: readonly Witness[], struck: number, ms: number): FleetJudgement {
  const done = witnesses.reduce((sum, one) => sum + one.since.done, 0);
  const why = `${done} runs were done in ${formatDuration(ms)}`;
  if (ms >= FLEET_BANDS.longestMs) return { is: 'good', why };
  if (struck > 0) return { is: 'wait' };
  const enough =
    (done >= FLEET_BANDS.goodRuns && ms >= FLEET_BANDS.leastMs) ||
    ((done >= FLEET_BANDS.quietRuns || witnesses.length === 0) && ms >= FLEET_BANDS.quietMs);
  return enough ? { is: 'good', why } : { is: 'wait' };
}

/** When the settings are good at the latest, if nothing is seen of them. Epoch ms. */
export function goodBy(witnesses: number, since: number): number {
  return since + (witnesses === 0 ? FLEET_BANDS.quietMs : FLEET_BANDS.longestMs);
}

/**
 * What the struck agents say of the good settings, which are in force again. `excused`: each of them does as badly, so
 * the reason lies outside; `upheld`: one does what it could not.
 */
export function judgeFleetAppeal(
  struck: readonly Struck[],
  of: (agent: string) => { before: ProbationRuns; since: ProbationRuns } | undefined,
): 'wait' | 'upheld' | 'excused' {
  const answers = struck.map((one): 'wait' | 'upheld' | 'excused' => {
    const { agent, kind, why, cause, times } = one;
    const runs = of(agent);
    // Lateness has no cause that could be seen again.
    if (kind === 'late') return 'upheld';
    if (!runs) return 'wait';
    const rejected = { ...noRuns(0), causes: cause ? { [cause]: times } : {} };
    return checkAfterRollback({ kind, why, cause }, rejected, runs.before, runs.since);
  });
  if (answers.includes('upheld')) return 'upheld';
  return answers.length > 0 && answers.every((answer) => answer === 'excused') ? 'excused' : 'wait';
}

function struckWords(struck: readonly Struck[], heard: number): string {
  const told = struck.slice(0, 3).map(({ agent, why }) => `${agent} ${why}`);
  const more = struck.length > told.length ? `; and ${struck.length - told.length} more` : '';
  const agents = heard === 1 ? 'the one agent that can tell does' : `${struck.length} of ${heard} agents do`;
  return `${agents} worse than before: ${told.join('; ')}${more}`;
}
