import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { HOUR_MS } from '../kernel/measures.ts';
import { createTasks } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { FindingStore } from '../telemetry/ports.ts';
import type { WorkerReading } from '../workers/ports.ts';
import {
  differenceOf,
  emptyProfile,
  type HeapLife,
  learn,
  newLife,
  stepLife,
  type VersionProfile,
} from './difference-look.ts';
import type { Leak } from './forecast.ts';

/** A version whose workers go on to hold more than those of the version before did at their age. */
export interface VersionLeak {
  agent: string;
  version: string;
  before: string;
  leak: Leak;
  limitBytes: number;
  /** When the worker was last seen, epoch ms. */
  at: number;
}

/** Follows the heaps of each agent's versions, and compares the version in force with the one before it. */
export interface VersionHeaps {
  /** Reads what earlier hosts have written. */
  load(): Promise<void>;
  /** Takes what a worker holds between two jobs. `since`: its first reading, monotonic ms; `jobs`: those that it has ended. */
  add(reading: WorkerReading, bytes: number, life: { since: number; jobs: number }): void;
  /** Versions that leak where the version before did not, as of the last hours. */
  leaks(): readonly VersionLeak[];
  /** Forgets workers that are not among these. */
  keepWorkers(workers: { has(worker: string): boolean }): void;
  /** Forgets agents that are not among these; the store has them for as long as it keeps findings. */
  keep(agents: { has(agent: string): boolean }): void;
  /** Resolves when all is written. */
  settled(): Promise<void>;
}

interface VersionHeapsNeeds {
  time: Time;
  log: Log;
  store: FindingStore;
}

const KIND = 'heap';
const MOST_AGENTS = 1_000;
/** The version in force, and the one before it. */
const VERSIONS = 2;
/** A leak that no look has seen for so long is over. */
const OVER_AFTER_MS = 2 * HOUR_MS;

interface Version {
  version: string;
  profile: VersionProfile;
}

export function createVersionHeaps({ time, log, store }: VersionHeapsNeeds): VersionHeaps {
  const known = new Map<string, Version[]>();
  const lives = new Map<string, HeapLife>();
  const found = new Map<string, VersionLeak>();
  const writing = createTasks((error) => log.warn('a heap could not be kept', { fault: toPlainFault(error) }));

  /** The version's profile and that of the one before; a version that comes back is the newest again. */
  function versionsOf(agent: string, version: string): { own: VersionProfile; before: Version | undefined } {
    const all = known.get(agent) ?? [];
    if (all.at(-1)?.version !== version) {
      const own = all.find((one) => one.version === version) ?? {
        version,
        profile: emptyProfile(),
      };
      known.set(agent, [...all.filter((one) => one !== own), own].slice(-VERSIONS));
      found.delete(agent);
    }
    const [own, before] = known.get(agent)!.toReversed();
    return { own: own!.profile, before };
  }

  return {
    async load() {
      for (const { key, record } of await store.findings({
        kind: KIND,
        limit: MOST_AGENTS,
      }))
        known.set(key, (record.versions ?? []) as Version[]);
    },
    add({ worker, agent, version, at, limitBytes }, bytes, { since, jobs }) {
      const life = lives.get(worker) ?? newLife();
      lives.set(worker, life);
      const step = stepLife(life, { ageMs: at - since, jobs, bytes });
      if (!step) return;
      const { own, before } = versionsOf(agent, version);
      const leak = before && differenceOf(life, step, before.profile, limitBytes);
      if (leak)
        found.set(agent, {
          agent,
          version,
          before: before.version,
          leak,
          limitBytes,
          at: time.now(),
        });
      learn(own, step);
      writing.add(
        store.putFinding({
          kind: KIND,
          key: agent,
          at: time.now(),
          record: { versions: known.get(agent)! },
        }),
      );
    },
    leaks() {
      const now = time.now();
      for (const [agent, { at }] of found) if (now - at > OVER_AFTER_MS) found.delete(agent);
      return [...found.values()];
    },
    keepWorkers(workers) {
      for (const worker of lives.keys()) if (!workers.has(worker)) lives.delete(worker);
    },
    keep(agents) {
      for (const agent of known.keys()) if (!agents.has(agent)) known.delete(agent);
      for (const agent of found.keys()) if (!agents.has(agent)) found.delete(agent);
    },
    settled: () => writing.settled(),
  };
}
