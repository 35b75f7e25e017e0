import { keyIn } from './value-at.ts';

/** How the jobs of an agent that are asked for again and again become one. */
export interface AgentDebounce {
  /** So long after the last time that it was asked for, the job may start. ms. */
  periodMs: number;
  /** So long after the first time it may start, however often it was asked for. ms. */
  timeoutMs: number;
  /** The path of a value in the input: `body.order.id`. Jobs with equal values are one. undefined: all jobs of the agent are. */
  key?: string;
}

/** The terms of a job that waits for others of its kind. */
export interface Debounced {
  /** A job of the agent with the same key that has not begun takes the new input over. */
  key: string;
  /** How long after it was first asked for it may start, however often it is asked for again. ms. */
  timeoutMs: number;
}

/**
 * The part of a new job that makes it wait for others of its kind; undefined for an agent that does not debounce. Jobs of slots, of
 * people and of senders who name a time are not given these terms: somebody wants them at that time.
 */
export function debouncedBy(
  debounce: AgentDebounce | undefined,
  input: string | null,
): { inMs: number; debounce: Debounced } | undefined {
  if (!debounce) return undefined;
  const { periodMs, timeoutMs, key } = debounce;
  return { inMs: periodMs, debounce: { key: keyIn(input, key), timeoutMs } };
}
