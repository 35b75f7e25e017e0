import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createTasks } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Finding, FindingStore } from '../telemetry/ports.ts';
import { EDGE_MS, type Edge, MOST_EDGES } from './long-look.ts';

/** The lower edges of quantities for two days, written down as they are completed: they outlive workers and hosts. */
export interface Edges {
  /** Reads what earlier hosts have written. */
  load(): Promise<void>;
  /** Takes a value of a series (a worker, or the host) of the key (`memory:shop`). True: a quarter of an hour was completed by it. */
  add(key: string, series: string, value: number): boolean;
  /** The completed edges, oldest first. */
  of(key: string): readonly Edge[];
  /** Forgets what came of agents that are not among these; the store has it for as long as it keeps findings. */
  keep(agents: { has(agent: string): boolean }): void;
  /** Resolves when all is written. */
  settled(): Promise<void>;
}

export interface EdgesNeeds {
  time: Pick<Time, 'now'>;
  log: Log;
  store: FindingStore;
}

const KIND = 'course';
/** The series of edges that an earlier host has written: the names of workers begin anew with each host. */
const EARLIER = 'earlier';
/** Courses that are read, at most. */
const MOST_COURSES = 5_000;

interface Course {
  done: Edge[];
  /** The quarter that goes on: its begin, and the least of each series. */
  at: number;
  least: Map<string, number>;
}

export function createEdges({ time, log, store }: EdgesNeeds): Edges {
  const known = new Map<string, Course>();
  const writing = createTasks((error) => log.warn('an edge could not be kept', { fault: toPlainFault(error) }));

  function complete(key: string, course: Course): boolean {
    const fullest = [...course.least].sort(([, one], [, other]) => other - one)[0];
    if (!fullest) return false;
    const [series, value] = fullest;
    course.done = [...course.done, { at: course.at, value, series }].slice(-MOST_EDGES);
    writing.add(store.putFinding(findingOf(key, course.done)));
    return true;
  }

  return {
    async load() {
      for (const { key, record } of await store.findings({ kind: KIND, limit: MOST_COURSES }))
        known.set(key, { done: edgesIn(record), at: 0, least: new Map() });
    },
    add(key, series, value) {
      const now = time.now();
      const at = now - (now % EDGE_MS);
      const course = known.get(key) ?? { done: [], at, least: new Map() };
      known.set(key, course);
      const isDone = course.at !== at && complete(key, course);
      if (course.at !== at) course.least = new Map();
      course.at = at;
      course.least.set(series, Math.min(value, course.least.get(series) ?? value));
      return isDone;
    },
    of: (key) => known.get(key)?.done ?? [],
    keep(agents) {
      for (const key of known.keys()) {
        const agent = key.slice(key.indexOf(':') + 1);
        if (agent !== HOST && !agents.has(agent)) known.delete(key);
      }
    },
    settled: () => writing.settled(),
  };
}

/** The name that stands for the host in keys, where others have an agent. */
const HOST = 'host';

function findingOf(key: string, done: readonly Edge[]): Finding {
  const edges = done.map(({ at, value }) => [at, value]);
  return { kind: KIND, key, at: done.at(-1)!.at, record: { edges } };
}

function edgesIn({ edges }: Record<string, unknown>): Edge[] {
  if (!Array.isArray(edges)) return [];
  return edges.flatMap((edge): Edge | never[] => {
    const [at, value] = Array.isArray(edge) ? edge : [];
    return Number.isSafeInteger(at) && Number.isFinite(value) ? { at, value, series: EARLIER } : [];
  });
}
