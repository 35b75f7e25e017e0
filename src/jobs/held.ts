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

/** How many more attempts of the agent may start when `most` of them may be under way at once. */
export function capacityLeft(held: Iterable<HeldAttempt>, name: string, most: number): number {
  if (most === Number.POSITIVE_INFINITY) return most;
  let now = 0;
  for (const { agent } of held) if (agent === name) now += 1;
  return most - now;
}
