import type { Outcome } from '../jobs/model.ts';
import type { AttemptRef } from '../jobs/ports.ts';
import type { WorkerEvents } from '../jobs/worker-port.ts';

/** Gathers what has happened within one turn of the host's loop and tells it in one go. */
export interface Reports {
  /** `fingerprint`: of the agent that the worker was started for. */
  ended(worker: string, outcome: Outcome, fingerprint: string): void;
  released(ref: AttemptRef): void;
  /** The agent's room may have grown. */
  changed(agent: string): void;
  /** Tells now. Events that the listener causes are reported in the next round. */
  flush(): void;
}

export function createReports(events: WorkerEvents, capacity: (agent: string) => number): Reports {
  let ends: { worker: string; outcome: Outcome; fingerprint: string }[] = [];
  let returns: AttemptRef[] = [];
  let agents = new Set<string>();
  let planned = false;

  /** No outcome is lost when `tell` is not called. */
  function plan() {
    if (planned) return;
    planned = true;
    process.nextTick(flush);
  }

  function flush() {
    planned = false;
    const batch = { ends, returns, agents };
    if (ends.length > 0) ends = [];
    if (returns.length > 0) returns = [];
    if (agents.size > 0) agents = new Set();
    if (batch.ends.length > 0) events.ended(batch.ends);
    if (batch.returns.length > 0) events.released(batch.returns);
    for (const agent of batch.agents) if (capacity(agent) > 0) events.capacityChanged(agent);
  }

  return {
    ended(worker, outcome, fingerprint) {
      ends.push({ worker, outcome, fingerprint });
      plan();
    },
    released({ job, attempt }) {
      returns.push({ job, attempt });
      plan();
    },
    changed(agent) {
      agents.add(agent);
      plan();
    },
    flush,
  };
}
