/** How far the killing of a command has come; times are of one monotonic clock, in ms. */
export interface Termination {
  /** Since when it is to end. */
  since: number;
  /** When SIGTERM was sent. */
  askedAt: number | null;
}

/** What to send to whatever is left: first SIGTERM, after the grace SIGKILL again and again, for what was forked meanwhile. */
export function nextSignal(pressing: Termination, now: number, graceMs: number): 'SIGTERM' | 'SIGKILL' | null {
  if (pressing.askedAt === null) return graceMs > 0 ? 'SIGTERM' : 'SIGKILL';
  return now - pressing.askedAt >= graceMs ? 'SIGKILL' : null;
}

/** Something that SIGKILL does not end sits in the kernel: its caller gets an answer after so long all the same. */
export const UNKILLABLE_MS = 2_000;
