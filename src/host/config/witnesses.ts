import type { Probationer } from '../../catalog/ports.ts';
import { canTell, NO_TALLY, type Tally, type Witness } from '../../catalog/rollout/fleet-band.ts';
import { noRuns, SLOW_CAUSE } from '../../catalog/rollout/probation.ts';
import { LATE_AFTER_MS } from '../../healing/late.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { JobStore, Settlement } from '../../jobs/ports.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import { counted } from '../versions/outcomes.ts';
import { historyOf } from '../versions/probation-history.ts';
import { type Lateness, latenessOf } from './lateness.ts';

/** What the agents' runs say of the settings since a time, beside what they said before it. */
export interface Witnesses {
  /** These agents are in force; those of `trials` have changed themselves, and tell nothing. */
  use(agents: ReadonlyMap<string, Agent>, probationers: readonly Probationer[]): void;
  /** An attempt's end was written down. */
  settled(end: Settlement, agent: string): void;
  /** Looks for slots that began late, up to `now`. `isHeld`: paused, or in quarantine: nothing of it is late. */
  look(now: number, isHeld: (agent: string) => boolean): Promise<void>;
  /** Those that can tell, as far as their past is known. */
  all(): Witness[];
  of(agent: string): Witness | undefined;
  /** Whether every past that is to be read is known. */
  areKnown(): boolean;
  /** Resolves when it is. */
  known(): Promise<void>;
}

export interface WitnessesNeeds {
  log: Log;
  store: Past;
  /** Where the jobs of before are: another store, when the settings name one. */
  past: Past;
}

export type Past = Pick<JobStore, 'list' | 'get'> & Pick<SlotStore, 'slots'>;

interface Known extends Witness {
  fingerprint: string;
  /** Ends that come before the past is known. */
  early: Settlement[] | undefined;
  /** It was changed since: its runs are not about the settings any more. */
  isOut: boolean;
}

const HOUR_MS = 3_600_000;

/** `since`: epoch ms · `excused`: causes that are not held against the settings. */
export function createWitnesses(
  { log, store, past }: WitnessesNeeds,
  { since, excused }: { since: number; excused: readonly string[] },
): Witnesses {
  const known = new Map<string, Known>();
  let reading: Promise<void> = Promise.resolve();
  let lateBefore: ReadonlyMap<string, Tally> | undefined;
  let lookedTo = since;

  function begin(agent: Agent) {
    const { name, fingerprint } = agent;
    const none = { before: noRuns(0), since: noRuns(since), lateBefore: NO_TALLY, lateSince: NO_TALLY };
    const one: Known = { agent: name, fingerprint, ...none, early: [], isOut: false };
    known.set(name, one);
    // One after the other: the store has work to do.
    reading = reading.then(() => read(one, agent));
  }

  async function read(one: Known, agent: Agent) {
    const trial = { agent, since, good: agent, excused };
    try {
      const now = await historyOf(store, trial);
      const before = past === store ? now.good : (await historyOf(past, trial)).good;
      lateBefore ??= tallied(await latenessOf(past, { from: since - HOUR_MS, to: since - LATE_AFTER_MS, asOf: since }));
      one.before = before;
      one.since = now.candidate;
      one.lateBefore = lateBefore.get(one.agent) ?? NO_TALLY;
      for (const end of one.early ?? []) if (!now.ends.has(`${end.job} ${end.attempt}`)) count(one, end);
    } catch (error) {
      one.isOut = true;
      log.warn(`the past of ${one.agent} could not be read: it tells nothing of the settings`, {
        fault: toPlainFault(error),
      });
    }
    one.early = undefined;
  }

  /** Slowness has no failures that could be left out one by one. */
  function asked(one: Known): Witness {
    return excused.includes(SLOW_CAUSE) ? { ...one, since: { ...one.since, durations: [] } } : one;
  }

  function count(one: Known, end: Settlement) {
    one.since = counted(one.since, end, excused, true);
  }

  return {
    use(agents, probationers) {
      const changed = new Set(probationers.map(({ agent }) => agent.name));
      for (const [name, agent] of agents) {
        const one = known.get(name);
        if (!one) begin(agent);
        else if (one.fingerprint !== agent.fingerprint) one.isOut = true;
        if (changed.has(name)) known.get(name)!.isOut = true;
      }
      for (const [name, one] of known) if (!agents.has(name)) one.isOut = true;
    },
    settled(end, agent) {
      const one = known.get(agent);
      if (!one || one.isOut || end.startedAt < since) return;
      if (one.early) one.early.push(end);
      else count(one, end);
    },
    async look(now, isHeld) {
      const to = now - LATE_AFTER_MS;
      const found = await latenessOf(store, { from: lookedTo, to, asOf: now });
      lookedTo = Math.max(lookedTo, to);
      for (const { agent, isLate } of found) {
        const one = known.get(agent);
        if (one && !isHeld(agent)) one.lateSince = plus(one.lateSince, isLate);
      }
    },
    all: () => [...known.values()].filter((one) => !one.isOut && !one.early && canTell(one.before)).map(asked),
    of: (agent) => known.get(agent),
    areKnown: () => [...known.values()].every(({ early }) => !early),
    known: () => reading,
  };
}

function plus({ hits, of }: Tally, isHit: boolean): Tally {
  return { hits: hits + (isHit ? 1 : 0), of: of + 1 };
}

function tallied(list: readonly Lateness[]): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const { agent, isLate } of list) tallies.set(agent, plus(tallies.get(agent) ?? NO_TALLY, isLate));
  return tallies;
}
