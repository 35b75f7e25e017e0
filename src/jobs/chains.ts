import { Fault, type PlainFault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import {
  type Allowance,
  type ChainBounds,
  chainWords,
  depthOfMade,
  fullAllowance,
  LONG_WAIT_MS,
  spendAllowance,
} from './chain.ts';
import type { JobId } from './model.ts';
import type { JobRecords } from './ports.ts';

/** Lets jobs make jobs, within bounds: a chain that feeds itself ends by itself, and is told. */
interface Chains {
  /** The hops of what is made. Rejects with a {@link Fault} `CHAIN_TOO_DEEP` or `CHAIN_TOO_FAST`, and nothing may be made. */
  admit(step: ChainStep): Promise<number>;
}

/** Jobs that a job is about to make. */
interface ChainStep {
  job: JobId;
  agent: string;
  /** `send to b`, `emit of note.changed`: begins a sentence. */
  what: string;
  count: number;
  afterMs: number;
}

/** A chain that was refused to go on. */
export interface RefusedChain {
  agent: string;
  job: JobId;
  because: PlainFault;
  /** Every agent of the chain, the one that was refused included. */
  agents: string[];
}

interface ChainsNeeds {
  time: Time;
  store: Pick<JobRecords, 'ancestors' | 'get'>;
  /** The hops of a job that is running here; undefined when it is not. */
  depthOf(job: JobId): number | undefined;
  refused(chain: RefusedChain): void;
}

/** The chain behind a refusal is read anew after this: a runaway is refused a thousand times. */
const KNOWN_FOR_MS = 5_000;
/** Agents whose minute is kept: those beyond begin anew. */
const MOST_AGENTS = 10_000;

export function createChains(needs: ChainsNeeds, bounds: () => ChainBounds): Chains {
  const { time, store } = needs;
  const allowances = new Map<string, Allowance>();
  const lines = new Map<string, { at: number; agents: Promise<string[]> }>();

  /** The agents from the first job of the chain to this one. */
  function lineOf({ job, agent }: ChainStep): Promise<string[]> {
    const now = time.monotonic();
    const known = lines.get(agent);
    if (known && now - known.at < KNOWN_FOR_MS) return known.agents;
    // A store that cannot tell costs the words, not the bound.
    const agents = store.ancestors(job).then(
      (line) => line.map((one) => one.agent).reverse(),
      () => [agent],
    );
    lines.set(agent, { at: now, agents });
    return agents;
  }

  async function refuse(step: ChainStep, code: string, why: string, setting: string): Promise<never> {
    const agents = await lineOf(step);
    const { agent, job, what } = step;
    const because: PlainFault = {
      code,
      message: `the ${what} is refused: ${why}`,
      next: `daruma pause ${agent}; if it is meant, ${setting} in config/daruma.yaml, or send with after: '${LONG_WAIT_MS / 60_000}m' or more`,
      // Not in the message, by which dead letters are grouped: of a crowd each has a way of its own.
      data: { agents: [...new Set([...agents, agent])], chain: chainWords(agents) },
    };
    needs.refused({ agent, job, because, agents: [...new Set([...agents, agent])] });
    throw new Fault(because);
  }

  return {
    async admit(step) {
      const { job, agent, count, afterMs } = step;
      const { depth: deepest, perMinute } = bounds();
      const depth = depthOfMade(needs.depthOf(job) ?? (await store.get(job))?.depth ?? 0, afterMs);
      if (count === 0) return depth;
      if (depth > deepest) {
        const why = `hop ${depth} of jobs that make jobs, and ${deepest} are allowed`;
        return refuse(step, 'CHAIN_TOO_DEEP', why, `jobChains.depth: ${deepest * 2}`);
      }
      const now = time.monotonic();
      const before = allowances.get(agent) ?? fullAllowance(perMinute, now);
      const { after, may } = spendAllowance(before, { depth, count }, perMinute, now);
      if (allowances.size >= MOST_AGENTS && !allowances.has(agent)) allowances.clear();
      allowances.set(agent, after);
      if (may) return depth;
      const why = `jobs of ${agent} make more jobs than ${perMinute} a minute, each counted by its hops; it makes no more for a minute`;
      return refuse(step, 'CHAIN_TOO_FAST', why, `jobChains.perMinute: ${perMinute * 2}`);
    },
  };
}
