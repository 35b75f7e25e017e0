import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createTasks } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Finding, FindingStore } from '../telemetry/ports.ts';
import { EDGE_MS, type MemoryEdge, MOST_EDGES } from './long-look.ts';

/** The edges of each agent for two days, written down as they are completed: they outlive workers and hosts. */
export interface MemoryEdges {
  /** Reads what earlier hosts have written. */
  load(): Promise<void>;
  /** Takes what a worker of the agent holds between two jobs. True: a quarter of an hour was completed by it. */
  add(agent: string, worker: string, bytes: number): boolean;
  /** The completed edges, oldest first. */
  of(agent: string): readonly MemoryEdge[];
  /** Resolves when all is written. */
  settled(): Promise<void>;
}

export interface MemoryEdgesNeeds {
  time: Pick<Time, 'now'>;
  log: Log;
  store: FindingStore;
}

const KIND = 'memory';
/** The worker of edges that an earlier host has written. */
const EARLIER = 'earlier';
/** Agents whose edges are kept, at most. */
const MOST_AGENTS = 1_000;

interface AgentEdges {
  done: MemoryEdge[];
  /** The quarter that goes on: its begin, and the least of each worker. */
  at: number;
  least: Map<string, number>;
}

export function createMemoryEdges({ time, log, store }: MemoryEdgesNeeds): MemoryEdges {
  const known = new Map<string, AgentEdges>();
  const writing = createTasks((error) => log.warn('a memory edge could not be kept', { fault: toPlainFault(error) }));

  function complete(agent: string, edges: AgentEdges): boolean {
    const fullest = [...edges.least].sort(([, one], [, other]) => other - one)[0];
    if (!fullest) return false;
    const [worker, bytes] = fullest;
    edges.done = [...edges.done, { at: edges.at, bytes, worker }].slice(-MOST_EDGES);
    writing.add(store.putFinding(findingOf(agent, edges.done)));
    return true;
  }

  return {
    async load() {
      for (const { key, record } of await store.findings({ kind: KIND, limit: MOST_AGENTS }))
        known.set(key, { done: edgesIn(record), at: 0, least: new Map() });
    },
    add(agent, worker, bytes) {
      const now = time.now();
      const at = now - (now % EDGE_MS);
      const edges = known.get(agent) ?? { done: [], at, least: new Map() };
      known.set(agent, edges);
      const isDone = edges.at !== at && complete(agent, edges);
      if (edges.at !== at) edges.least = new Map();
      edges.at = at;
      edges.least.set(worker, Math.min(bytes, edges.least.get(worker) ?? bytes));
      return isDone;
    },
    of: (agent) => known.get(agent)?.done ?? [],
    settled: () => writing.settled(),
  };
}

function findingOf(agent: string, done: readonly MemoryEdge[]): Finding {
  const edges = done.map(({ at, bytes }) => [at, bytes]);
  return { kind: KIND, key: agent, at: done.at(-1)!.at, record: { edges } };
}

/** The names of workers begin anew with each host: those of earlier hosts are none of this one's. */
function edgesIn({ edges }: Record<string, unknown>): MemoryEdge[] {
  if (!Array.isArray(edges)) return [];
  return edges.flatMap((edge): MemoryEdge | never[] => {
    const [at, bytes] = Array.isArray(edge) ? edge : [];
    return Number.isSafeInteger(at) && Number.isSafeInteger(bytes) ? { at, bytes, worker: EARLIER } : [];
  });
}
