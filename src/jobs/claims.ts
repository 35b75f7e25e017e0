import { given } from '../kernel/given.ts';
import type { Time } from '../kernel/time.ts';
import type { Agent } from './agent.ts';
import { CLASS_DELAY_MS, classOf } from './fairness.ts';
import type { Assignment } from './model.ts';
import type { Hold } from './placement.ts';
import type { ClaimAnswer, ClaimRequest, ClaimTerms, JobQueue } from './ports.ts';
import type { WorkerPort } from './worker-port.ts';

/**
 * Moves due jobs from the store to workers. The store is not polled: an agent is looked at when it is woken (a job was added,
 * a worker has room, the agent is new or resumed) and when its next job is due.
 *
 * Invariants: at most one claim of an agent is under way, and it never asks for more than its workers have room for, so no job
 * is claimed that no worker can take. An agent that finds no room on the host waits for its turn there.
 */
interface Claims {
  /** The agent may have due jobs, or room for them. The call is cheap, and harmless when it has neither. */
  wake(agent: string): void;
  /** The agent's next job is due in so many ms; 0 and below: now. */
  dueIn(agent: string, ms: number): void;
  stop(): void;
}

interface ClaimsNeeds {
  time: Time;
  store: Pick<JobQueue, 'claim' | 'release'>;
  workers: WorkerPort;
  /** The agent as the workers know it that take its jobs; undefined while it has none, or jobs are not at work. */
  agent(name: string): Agent | undefined;
  holdOf(agent: string): Hold | null;
  /** How many of the agent's attempts are under way. */
  underWay(agent: string): number;
  /** Called before the attempts are handed to the workers. */
  taken(assignments: Assignment[]): void;
  failed(error: unknown): void;
}

/** The pause before an agent is looked at again after the store refused a claim. */
const AFTER_FAILURE_MS = 1_000;

export function createClaims(needs: ClaimsNeeds, terms: Omit<ClaimTerms, 'leastPriority'>): Claims {
  /** The agents that were woken since the last claim: they are looked at together, each once, whatever woke them how often. */
  const woken = new Set<string>();
  /** The agents whose claim is under way; true: woken meanwhile, so they are looked at again. */
  const claiming = new Map<string, boolean>();
  const due = new Map<string, number>();
  let timerAt = Number.POSITIVE_INFINITY;
  let cancelTimer = () => {};
  let stopped = false;

  function wake(name: string) {
    if (stopped) return;
    if (woken.size === 0) queueMicrotask(claimForWoken);
    woken.add(name);
  }

  async function claimForWoken() {
    const requests: ClaimRequest[] = [];
    /** Pressure is the machine's: it is the same for all agents. */
    let leastPriority: number | undefined;
    for (const name of woken) {
      const hold = needs.holdOf(name);
      const request = requestFor(name, hold);
      if (!request) continue;
      leastPriority = hold?.leastPriority;
      requests.push(request);
    }
    woken.clear();
    if (requests.length === 0) return;
    // The first agent of the answer has its workers first: those that matter more are not behind a hundred others.
    const delays = new Map(requests.map(({ agent }) => [agent, classDelayOf(needs.agent(agent))]));
    requests.sort((a, b) => delays.get(a.agent)! - delays.get(b.agent)!);
    try {
      const answers = await needs.store.claim(requests, { ...terms, leastPriority });
      for (const [index, answer] of answers.entries()) accept(requests[index]!, answer);
    } catch (error) {
      if (stopped) return;
      needs.failed(error);
      for (const { agent } of requests) {
        claiming.delete(agent);
        dueIn(agent, AFTER_FAILURE_MS);
      }
    }
  }

  /** A claim of as many jobs as the agent's workers have room for; undefined: none now. */
  function requestFor(name: string, hold: Hold | null): ClaimRequest | undefined {
    if (claiming.has(name)) {
      claiming.set(name, true);
      return undefined;
    }
    const agent = needs.agent(name);
    const allowed = agent ? startsLeft(name, hold) : 0;
    const limit = allowed > 0 ? Math.min(needs.workers.capacity(name), allowed) : 0;
    // A claim of none asks whether anything is due that would have to wait for room, or for a worker: not what a key holds back.
    const isAsked = limit > 0 || agent?.keyLimit !== undefined || needs.workers.lacksRoom?.(name);
    if (!agent || allowed <= 0 || !isAsked) return undefined;
    claiming.set(name, false);
    const { staleAfterMs } = agent.limits;
    return { agent: name, version: agent.version.id, limit, ...given({ staleAfterMs, keyLimit: agent.keyLimit }) };
  }

  /** How many more attempts of the agent may start, whatever room there is. */
  function startsLeft(name: string, hold: Hold | null): number {
    const allowance = hold?.allowance ?? Number.POSITIVE_INFINITY;
    return Number.isFinite(allowance) ? allowance - needs.underWay(name) : allowance;
  }

  function accept({ agent, version, limit }: ClaimRequest, { assignments, nextInMs }: ClaimAnswer) {
    const isAsked = claiming.get(agent);
    claiming.delete(agent);
    // The version is written down with the claim. If it was replaced meanwhile, the job is claimed anew, so that the
    // record never names another version than the one that ran.
    const isOutdated = (needs.agent(agent)?.version.id ?? version) !== version;
    if (assignments.length > 0 && isOutdated) {
      const refs = assignments.map(({ job, attempt }) => ({ job, attempt }));
      needs.store.release(refs).then(() => wake(agent), needs.failed);
      return;
    }
    if (assignments.length > 0) {
      needs.taken(assignments);
      needs.workers.dispatch(agent, assignments);
    }
    if (isAsked || (limit > 0 && assignments.length === limit)) wake(agent);
    if (nextInMs !== null && nextInMs > 0) dueIn(agent, nextInMs);
    else if (nextInMs !== null && limit === 0) needs.workers.waitForRoom?.(agent);
    else if (nextInMs !== null && assignments.length < limit) wake(agent);
  }

  function dueIn(agent: string, ms: number) {
    if (stopped) return;
    if (ms <= 0) return wake(agent);
    const at = needs.time.now() + ms;
    const known = due.get(agent);
    if (known !== undefined && known <= at) return;
    due.set(agent, at);
    if (at < timerAt) arm(at);
  }

  function arm(at: number) {
    cancelTimer();
    timerAt = at;
    // A wall clock that is set back or a machine that slept must not cost more than one short sleep.
    cancelTimer = needs.time.after(Math.min(Math.max(at - needs.time.now(), 0), 10_000), ring);
  }

  function ring() {
    timerAt = Number.POSITIVE_INFINITY;
    const now = needs.time.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [agent, at] of due) {
      if (at <= now) {
        due.delete(agent);
        wake(agent);
      } else if (at < next) next = at;
    }
    if (next < Number.POSITIVE_INFINITY) arm(next);
  }

  return {
    wake,
    dueIn,
    stop() {
      stopped = true;
      cancelTimer();
      due.clear();
    },
  };
}

function classDelayOf(agent: Agent | undefined): number {
  return agent ? CLASS_DELAY_MS[classOf(agent)] : 0;
}
