import { addToSketch, type Sketch } from '../kernel/sketch.ts';

/** Counts of one agent since the host started. */
export interface RunCounts {
  done: number;
  dead: number;
  failedAttempts: number;
  /** The durations of attempts that were done, in ms. */
  durations: Sketch;
  /** The sum of the durations, exact, unlike the sketch. */
  durationsMs: number;
  workerEnds: number;
}

/** Counts in memory the attempts and workers that end, by agent, for clients that ask for totals. */
export interface RunCounters {
  /** Counts an attempt that ended; cancelled attempts, and those that cost their job no attempt, are not counted. */
  ended(
    agent: string,
    end: { state: string; startedAt: number; finishedAt: number; attempts?: number | undefined },
  ): void;
  /** A worker ended otherwise than by a drain. */
  workerEnded(agent: string): void;
  of(agent: string): RunCounts | undefined;
}

export function createRunCounters(): RunCounters {
  const counters = new Map<string, RunCounts>();

  function countsOf(agent: string): RunCounts {
    const known = counters.get(agent);
    if (known) return known;
    const fresh = { done: 0, dead: 0, failedAttempts: 0, durations: new Map(), durationsMs: 0, workerEnds: 0 };
    counters.set(agent, fresh);
    return fresh;
  }

  return {
    ended(agent, { state, startedAt, finishedAt, attempts }) {
      if (state === 'cancelled' || attempts !== undefined) return;
      const counts = countsOf(agent);
      if (state !== 'done') {
        counts.failedAttempts++;
        if (state === 'dead') counts.dead++;
        return;
      }
      const ms = Math.max(0, finishedAt - startedAt);
      counts.done++;
      counts.durationsMs += ms;
      addToSketch(counts.durations, ms);
    },
    workerEnded(agent) {
      countsOf(agent).workerEnds++;
    },
    of: (agent) => counters.get(agent),
  };
}
