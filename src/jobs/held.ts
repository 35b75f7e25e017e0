/** An attempt that is on a worker, or on its way there or back. */
export interface HeldAttempt {
  agent: string;
  attempt: number;
  attempts: number;
  /** Monotonic ms. */
  since: number;
  depth: number;
  /** A person or `overlap: replace` ended it: its late end is expected to be refused. */
  cancelled?: boolean;
}

/** How many of the attempts are the agent's. */
export function countOf(held: Iterable<HeldAttempt>, name: string): number {
  let count = 0;
  for (const { agent } of held) if (agent === name) count += 1;
  return count;
}
