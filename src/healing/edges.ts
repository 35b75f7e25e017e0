import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { DAY_MS } from '../kernel/measures.ts';
import { createTasks } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Finding, FindingStore } from '../telemetry/ports.ts';
import { EDGE_MS, type Edge } from './long-look.ts';

/** Edges that are kept: two days, so that each hour can be compared with the same hour of yesterday. */
const MOST_EDGES = (2 * DAY_MS) / EDGE_MS;

/** The lower edges of quantities for two days, written down as they are completed: they outlive workers and hosts. */
export interface Edges {
  /** Reads what earlier hosts have written. */
  load(): Promise<void>;
  /** Takes a value of a series (a worker, or the host) of the key: an agent's name, or `disk:host`. True: a quarter of an hour was completed by it. */
  add(key: string, series: string, value: number): boolean;
  /** The completed edges, oldest first. */
  of(key: string): readonly Edge[];
  /** Forgets all other keys; the store has them for as long as it keeps findings. */
  keep(isKept: (key: string) => boolean): void;
  /** Resolves when all is written. */
  settled(): Promise<void>;
}

export interface EdgesNeeds {
  time: Pick<Time, 'now'>;
  log: Log;
  store: FindingStore;
}

/** The series of memory that an earlier host has written: the names of workers begin anew with each host. Other keys have one series, of their name. */
const EARLIER = 'earlier';
/** Keys that are read, at most. */
const MOST_KEYS = 5_000;

interface KeyEdges {
  done: Edge[];
  /** The quarter that goes on: its begin, and the least of each series. */
  at: number;
  least: Map<string, number>;
}

/** `kind`: the kind of findings that the store keeps them as. */
export function createEdges({ time, log, store }: EdgesNeeds, kind: Finding['kind']): Edges {
  const known = new Map<string, KeyEdges>();
  const writing = createTasks((error) => log.warn('an edge could not be kept', { fault: toPlainFault(error) }));

  function complete(key: string, current: KeyEdges): boolean {
    const fullest = [...current.least].sort(([, one], [, other]) => other - one)[0];
    if (!fullest) return false;
    const [series, value] = fullest;
    current.done = [...current.done, { at: current.at, value, series }].slice(-MOST_EDGES);
    writing.add(store.putFinding(findingOf(kind, key, current.done)));
    return true;
  }

  return {
    async load() {
      for (const { key, record } of await store.findings({ kind, limit: MOST_KEYS }))
        known.set(key, { done: edgesIn(record, kind === 'memory' ? EARLIER : key), at: 0, least: new Map() });
    },
    add(key, series, value) {
      const now = time.now();
      const at = now - (now % EDGE_MS);
      const current = known.get(key) ?? { done: [], at, least: new Map() };
      known.set(key, current);
      const isDone = current.at !== at && complete(key, current);
      if (current.at !== at) current.least = new Map();
      current.at = at;
      current.least.set(series, Math.min(value, current.least.get(series) ?? value));
      return isDone;
    },
    of: (key) => known.get(key)?.done ?? [],
    keep(isKept) {
      for (const key of known.keys()) if (!isKept(key)) known.delete(key);
    },
    settled: () => writing.settled(),
  };
}

function findingOf(kind: Finding['kind'], key: string, done: readonly Edge[]): Finding {
  const edges = done.map(({ at, value }) => [at, value]);
  return { kind, key, at: done.at(-1)!.at, record: { edges } };
}

function edgesIn({ edges }: Record<string, unknown>, series: string): Edge[] {
  if (!Array.isArray(edges)) return [];
  return edges.flatMap((edge): Edge | never[] => {
    const [at, value] = Array.isArray(edge) ? edge : [];
    return Number.isSafeInteger(at) && Number.isFinite(value) ? { at, value, series } : [];
  });
}
