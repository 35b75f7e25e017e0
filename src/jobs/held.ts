import type { Time } from '../kernel/time.ts';
import type { Assignment, JobId } from './model.ts';
import type { AttemptRef } from './ports.ts';

/** An attempt that is on a worker, or on its way there or back. */
interface HeldAttempt {
  agent: string;
  attempt: number;
  attempts: number;
  /** Monotonic ms. */
  since: number;
  depth: number;
  /** The run of an agent that runs always. */
  isRun: boolean;
  /** A person or `overlap: replace` ended the attempt: its late end is expected to be refused. */
  isCancelled: boolean;
}

/** The attempts that this host holds, by their jobs. */
export interface HeldJobs {
  size(): number;
  get(job: JobId): HeldAttempt | undefined;
  take(assignments: readonly Assignment[]): void;
  /** Another attempt of the same job stays held. */
  forget(ref: AttemptRef): void;
  /** How many attempts of the agent are held. */
  countOf(agent: string): number;
  /** The runs of agents that run always, and how long each has been held, in ms. */
  runs(): (AttemptRef & { agent: string; forMs: number })[];
  /** The attempts that have been held for longer than `ms`. */
  heldFor(ms: number): AttemptRef[];
}

export function createHeldJobs(time: Pick<Time, 'monotonic'>): HeldJobs {
  const held = new Map<JobId, HeldAttempt>();
  return {
    size: () => held.size,
    get: (job) => held.get(job),
    take(assignments) {
      const since = time.monotonic();
      for (const { job, agent, attempt, attempts, trigger, depth = 0 } of assignments)
        held.set(job, { agent, attempt, attempts, since, depth, isRun: trigger === 'always', isCancelled: false });
    },
    forget({ job, attempt }) {
      if (held.get(job)?.attempt === attempt) held.delete(job);
    },
    countOf(name) {
      let count = 0;
      for (const { agent } of held.values()) if (agent === name) count += 1;
      return count;
    },
    runs() {
      const now = time.monotonic();
      return [...held].flatMap(([job, { agent, attempt, since, isRun }]) =>
        isRun ? [{ job, attempt, agent, forMs: now - since }] : [],
      );
    },
    heldFor(ms) {
      const old = time.monotonic() - ms;
      const refs: AttemptRef[] = [];
      for (const [job, { attempt, since }] of held) if (since < old) refs.push({ job, attempt });
      return refs;
    },
  };
}
