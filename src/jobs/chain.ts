/** Bounds of chains: jobs that make jobs that make jobs. */
export interface ChainBounds {
  /** The most hops from a job that no job made. */
  depth: number;
  /** Jobs that the jobs of one agent may make within a minute; a job that is made counts as many as its hops. */
  perMinute: number;
}

export const DEFAULT_CHAIN_BOUNDS: ChainBounds = { depth: 32, perMinute: 20_000 };

/** A chain that waits so long between two jobs is no runaway: a job that is sent `after` it begins a chain of its own. */
export const LONG_WAIT_MS = 60_000;
/** How long an agent that made too many jobs makes no more. */
export const HELD_BACK_MS = 60_000;

/** The hops of a job that a job of `depth` makes, to start `afterMs` from now. */
export function depthOfMade(depth: number, afterMs: number): number {
  return afterMs >= LONG_WAIT_MS ? 0 : depth + 1;
}

/** Jobs that an agent may still make in its minute; times in monotonic ms. */
export interface Allowance {
  left: number;
  at: number;
  /** The agent has spent all, and makes nothing more before this. */
  heldUntil: number;
}

/** An agent that has made nothing yet. */
export function fullAllowance(perMinute: number, now: number): Allowance {
  return { left: perMinute, at: now, heldUntil: Number.NEGATIVE_INFINITY };
}

/**
 * Takes what `count` jobs of `depth` cost: each as many as its hops, so that a job may send thousands, while a chain that
 * doubles with each hop is through after some ten of them. The allowance comes back within a minute. An agent that has not
 * enough left is held back for a minute, in which what it set going can end.
 */
export function spendAllowance(
  before: Allowance,
  made: { depth: number; count: number },
  perMinute: number,
  now: number,
): { after: Allowance; may: boolean } {
  if (now < before.heldUntil) return { after: before, may: false };
  const left = Math.min(perMinute, before.left + ((now - before.at) / 60_000) * perMinute);
  const cost = Math.max(1, made.depth) * made.count;
  if (cost <= left) return { after: { ...before, left: left - cost, at: now }, may: true };
  // Full again when it is over: what is left of it in its queue has been refused by then.
  return { after: { left: perMinute, at: now + HELD_BACK_MS, heldUntil: now + HELD_BACK_MS }, may: false };
}

/** `a → b → a …, 32 hops` of the agents of a chain, oldest first: one turn of a ring is enough. */
export function chainWords(agents: readonly string[]): string {
  const hops = agents.length - 1;
  const back = agents.indexOf(agents[0]!, 1);
  const shown = agents.slice(0, Math.min(back === -1 ? agents.length : back + 1, 6));
  const more = shown.length < agents.length ? ' → …' : '';
  return `${shown.join(' → ')}${more}${hops > 0 ? `, ${hops} ${hops === 1 ? 'hop' : 'hops'}` : ''}`;
}
