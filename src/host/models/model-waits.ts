import type { CallAttempt } from '../../gateway/origins/ports.ts';
import type { Incident, OutageSource } from '../../healing/ports.ts';
import type { AttemptRef } from '../../jobs/ports.ts';
import type { HoldUp } from '../../jobs/waiting.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { Outage, Recovery } from '../../kernel/origin.ts';
import type { Time } from '../../kernel/time.ts';

/**
 * Calls of models that went unanswered, for jobs and for healing: the job of such an attempt waits and loses no attempt, and all of
 * them together are one incident, of the chain or of a budget.
 */
export interface ModelWaits {
  /** The host refused a call of the attempt, or no rung has answered it. */
  refused(ref: CallAttempt, agent: string, fault: PlainFault): void;
  /** A rung answered a call of the agent. */
  answered(agent: string): void;
  /** The gateway listens; calls that did not reach the one before it failed of no fault of theirs. */
  listens(): void;
  /** The outage for which the job of a failed attempt waits; undefined: no call of the attempt went unanswered, whatever its error says. */
  heldUp(ref: AttemptRef, agent: string, fault: PlainFault): HoldUp | undefined;
  /** Attempts that ended, after {@link ModelWaits.heldUp} was asked. */
  ended(attempts: readonly CallAttempt[]): void;
  /** Outages of the chain, and budgets that are spent. */
  outageSource: OutageSource;
  /** Incidents that were open when the host before this one ended: the chain counts as down until a call is answered. */
  takeOver(incidents: readonly Incident[]): void;
}

interface ModelWaitsNeeds {
  time: Time;
  /** Whether a gateway listens now. */
  isListening(): boolean;
  /** An outage began, went on or ended. Cheap, and told often. */
  changed(): void;
}

const CHAIN_OF_MODELS = 'the chain of models';
const BUDGET_OF_MODELS = 'the budget of models';
/** A pause that a provider asked for is shorter, and no incident. */
const SHORT_MS = 10_000;
/** After a gateway that listens again, calls of this long ago may have met the one that was lost. */
const LOST_MS = MINUTE_MS;
const AGAIN_MS = 5_000;
const MOST_FAILURES = 5;
const MOST_AGENTS = 50;
const MOST_JOBS = 1_000;
/** A budget is new each day; a job that the day after cannot serve either is a dead letter. */
const LONGEST_BUDGET_WAIT_MS = 3 * DAY_MS;

interface Unanswered {
  code: string;
  message: string;
  until: number;
  /** Of a budget: the agent's own, or that of all. */
  name: string;
}

interface OpenOutage {
  outage: Outage;
  until: number;
}

export function createModelWaits({ time, isListening, changed }: ModelWaitsNeeds): ModelWaits {
  const unanswered = new Map<string, Unanswered>();
  const outages = new Map<string, OpenOutage>();
  const recoveries = new Map<string, Recovery>();
  let listensSince = Number.NEGATIVE_INFINITY;

  function begin(name: string, since: number): OpenOutage {
    const outage: Outage = {
      ...{ origin: name, since, tries: 0, probeAt: null, askedAt: since, failures: [], agents: [] },
      ...{ refused: 0, diverted: 0, jobs: [], instead: [], barred: [] },
    };
    const open = { outage, until: since };
    outages.set(name, open);
    recoveries.delete(name);
    return open;
  }

  function note({ name, message, until }: Unanswered, { job }: CallAttempt, agent: string) {
    const now = time.now();
    const open = outages.get(name) ?? begin(name, now);
    const { outage } = open;
    open.until = until;
    outage.askedAt = now;
    outage.probeAt = until;
    outage.refused += 1;
    outage.failures = [...outage.failures, { at: now, what: message }].slice(-MOST_FAILURES);
    if (!outage.agents.includes(agent) && outage.agents.length < MOST_AGENTS) outage.agents.push(agent);
    if (!outage.jobs.includes(job) && outage.jobs.length < MOST_JOBS) outage.jobs.push(job);
    outage.note =
      name === CHAIN_OF_MODELS
        ? `jobs that need an answer wait and lose no attempt; the chain is asked again at ${isoOf(until)}`
        : `jobs that ask models wait until ${isoOf(until)}, and lose no attempt; calls go on by themselves then`;
    changed();
  }

  function end(name: string, agent: string, how: string) {
    const open = outages.get(name);
    if (!open) return;
    outages.delete(name);
    const { since, refused, jobs } = open.outage;
    recoveries.set(name, { origin: name, since, at: time.now(), agent, refused, diverted: 0, jobs: jobs.length, how });
    changed();
  }

  /** A budget ends with its day, whether anybody asks or not. */
  function endOfDay() {
    for (const [name, { until, outage }] of outages)
      if (name !== CHAIN_OF_MODELS && until <= time.now()) end(name, outage.agents[0] ?? '', 'a new day has begun');
  }

  return {
    refused(ref, agent, fault) {
      const found = unansweredOf(fault, agent, time.now());
      if (!found) return;
      unanswered.set(keyOf(ref), found);
      note(found, ref, agent);
    },
    answered(agent) {
      end(CHAIN_OF_MODELS, agent, `a call of ${agent} was answered`);
    },
    listens() {
      listensSince = time.monotonic();
    },
    heldUp(ref, agent, { code, message }) {
      const found = unanswered.get(keyOf(ref));
      // Clients of other makers keep the words, and not always the code.
      if (found && (code === found.code || message.includes(found.message))) {
        if (found.code === 'MODELS_DOWN') return { until: found.until, waitsFor: CHAIN_OF_MODELS };
        return { until: found.until, waitsFor: found.name, longestMs: LONGEST_BUDGET_WAIT_MS };
      }
      const isLost = !isListening() || time.monotonic() - listensSince < LOST_MS;
      if (code !== 'MODELS_DOWN' || !isLost) return undefined;
      const until = time.now() + AGAIN_MS;
      note({ code, message, until, name: CHAIN_OF_MODELS }, ref, agent);
      return { until, waitsFor: CHAIN_OF_MODELS };
    },
    ended(attempts) {
      if (unanswered.size > 0) for (const ref of attempts) unanswered.delete(keyOf(ref));
    },
    outageSource: {
      outages() {
        endOfDay();
        const isLong = ({ until, outage }: OpenOutage) =>
          Math.max(until, time.now()) - outage.since >= SHORT_MS || outage.failures.length === 0;
        return [...outages.values()].filter(isLong).map(({ outage }) => outage);
      },
      recovery: (name) => recoveries.get(name),
      forget: (name) => void outages.delete(name),
    },
    takeOver(incidents) {
      for (const { verdict, evidence, openedAt } of incidents)
        if (verdict === 'failing-over' && evidence?.fault?.data?.origin === CHAIN_OF_MODELS)
          begin(CHAIN_OF_MODELS, openedAt).outage.askedAt = time.now();
    },
  };
}

/** The meaning of an unanswered call; undefined for a fault that names no time. */
function unansweredOf({ code, message, data }: PlainFault, agent: string, now: number): Unanswered | undefined {
  const until = instantOf(data?.until ?? data?.retryAt);
  if ((code !== 'BUDGET_SPENT' && code !== 'MODELS_DOWN') || until === undefined) return undefined;
  const own = data?.whose === 'agent' ? `${BUDGET_OF_MODELS} of ${agent}` : BUDGET_OF_MODELS;
  return { code, message, until: Math.max(until, now), name: code === 'MODELS_DOWN' ? CHAIN_OF_MODELS : own };
}

function instantOf(said: unknown): number | undefined {
  const at = typeof said === 'string' ? Date.parse(said) : said;
  return typeof at === 'number' && Number.isFinite(at) ? at : undefined;
}

const keyOf = ({ job, attempt }: CallAttempt) => `${job} ${attempt}`;
