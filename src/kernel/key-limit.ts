import { keyIn } from './value-at.ts';

/** How many jobs of an agent with equal values in their input may run at a time, and begin within a length of time. */
export interface KeyLimit {
  /** The path of a value in the input: `body.account`. Jobs with equal values share the limit. undefined: all jobs of the agent do. */
  key?: string;
  /** Jobs of one key that may run at a time. undefined: any number. */
  concurrency?: number;
  /** Jobs of one key that may begin within so long. ms. undefined: any number. */
  rate?: { starts: number; perMs: number };
}

/** The key of a job with that input; '' where the input has no value at the path. */
export function limitKeyOf({ key }: KeyLimit, input: string | null): string {
  return keyIn(input, key);
}

/** A key as its jobs have used it. */
export interface KeyUse {
  running: number;
  /** When its jobs began, within the time that the rate counts, oldest first. Epoch ms. */
  starts: readonly number[];
}

/** How many more jobs of the key may begin at `now`. */
export function roomOfKey({ concurrency, rate }: KeyLimit, use: KeyUse, now: number): number {
  const side = concurrency === undefined ? Number.POSITIVE_INFINITY : concurrency - use.running;
  const begin = rate === undefined ? Number.POSITIVE_INFINITY : rate.starts - startsWithin(use, rate.perMs, now).length;
  return Math.max(0, Math.min(side, begin));
}

/** When the rate lets the next job of the key begin, in epoch ms; null: it does now. */
export function nextStartOfKey({ rate }: KeyLimit, use: KeyUse, now: number): number | null {
  if (!rate) return null;
  const starts = startsWithin(use, rate.perMs, now);
  return starts.length < rate.starts ? null : starts.at(-rate.starts)! + rate.perMs;
}

function startsWithin({ starts }: KeyUse, perMs: number, now: number): readonly number[] {
  return starts.filter((at) => at > now - perMs);
}
