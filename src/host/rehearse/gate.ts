import type { Catalog, Trial } from '../../catalog/ports.ts';
import type { RehearsedView } from '../../control/rehearsal.ts';
import type { Agent } from '../../jobs/agent.ts';
import { causeOf } from '../../jobs/step.ts';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { onTrial } from './plan.ts';
import { type RehearseNeeds, rehearse } from './rehearse.ts';
import { openRoom } from './room.ts';

/**
 * The gate before probation: a new state of an agent that has a good one before it is rehearsed before it takes its first
 * job; until then, and for good if it fails, the good one goes on.
 */
export interface Gate {
  /** The set of agents in force has changed. */
  use(): void;
  /** What may run in place of the agent: itself, or the good state before it while it is rehearsed. */
  admitted(agent: Agent): Agent;
  stop(): Promise<void>;
}

export interface GateNeeds extends Omit<RehearseNeeds, 'room'> {
  log: Log;
  folder: string;
  standings: Catalog['standings'];
  /** What may run has changed. */
  opened(): void;
  /** It is bad, and not in force any more. */
  refused(news: GateNews): void;
}

export interface GateNews {
  bad: Agent;
  good: Agent;
  why: string;
  fault: PlainFault;
}

/** What is not judged by then has to show itself at work. */
const WITHIN_MS = 120_000;
/** Not the version's own: it asks for another time. */
const NO_FAULT = new Set(['RETRY_LATER', 'HOST_STOPPED', 'CELL_LOST', 'SECRET_MISSING', 'SECRET_UNREADABLE']);

/** `last`: so many recorded inputs, asked each time; 0: everything is let through. */
export function createGate(needs: GateNeeds, last: () => number): Gate {
  const { standings, log, time } = needs;
  /** By agent: what is held, in the order in which it came. */
  const held = new Map<string, Trial & { good: Agent }>();
  /** By agent: the fingerprint that was let through. */
  const passed = new Map<string, string>();
  let isStopped = false;
  let leave = new AbortController();
  let working: Promise<void> | undefined;

  function use() {
    if (last() === 0 || isStopped) return;
    const trials = new Map(standings.trials().map((trial) => [trial.agent.name, trial]));
    for (const [name, { agent }] of held) {
      if (trials.get(name)?.agent.fingerprint !== agent.fingerprint) held.delete(name);
    }
    for (const [name, trial] of trials) {
      const { agent, good } = trial;
      if (good && !held.has(name) && passed.get(name) !== agent.fingerprint) held.set(name, { ...trial, good });
    }
    working ??= work().finally(() => {
      working = undefined;
      // What came as it ended.
      if (held.size > 0) use();
    });
  }

  async function work() {
    // The set that is being changed is in force before the first of it is looked at.
    await Promise.resolve();
    for (let next = first(); next && !isStopped; next = first()) {
      const news = await judged(next).catch((error) => {
        log.warn(`${next!.agent.name} could not be rehearsed: it is let through`, { fault: toPlainFault(error) });
        return undefined;
      });
      const { name, fingerprint } = next.agent;
      // Its files may say something else by now.
      if (isStopped || held.get(name)?.agent.fingerprint !== fingerprint) continue;
      held.delete(name);
      passed.set(name, fingerprint);
      const rejection = news && { kind: 'errors' as const, why: news.why, cause: causeOf(news.fault) };
      if (rejection && standings.reject(name, fingerprint, rejection)) needs.refused(news);
      else needs.opened();
    }
  }

  const first = () => held.values().next().value;

  async function judged({ agent, good }: Trial & { good: Agent }): Promise<GateNews | undefined> {
    const plan = { candidate: onTrial(agent), against: undefined };
    const room = await openRoom(needs);
    leave = new AbortController();
    const gone = leave.signal;
    gone.addEventListener('abort', () => void room.close());
    const cancel = time.after(WITHIN_MS, () => leave.abort());
    const failed: RehearsedView[] = [];
    let done = 0;
    try {
      for await (const job of rehearse({ ...needs, room }, plan, { last: last(), live: false, gone })) {
        if (job.old.state === 'done' && job.is !== 'unclear') done += 1;
        if (job.is === 'fails' && !NO_FAULT.has(job.new.error!.code)) failed.push(job);
      }
    } finally {
      cancel();
      await room.close();
    }
    const fault = failed.at(-1)?.new.error;
    if (!fault) return undefined;
    const why = `failed ${failed.length} of ${done} rehearsed inputs that were done before: ${fault.message}`;
    return { bad: agent, good, why, fault };
  }

  return {
    use,
    admitted: (agent) => {
      const one = held.get(agent.name);
      return one?.agent.fingerprint === agent.fingerprint ? one.good : agent;
    },
    async stop() {
      isStopped = true;
      leave.abort();
      await working;
    },
  };
}
