import { readStat } from '../../../kernel/proc.ts';

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

/** Signals that very process: harmless when it has ended, whoever has its number by now. */
export function send({ pid, start }: { pid: number; start: number }, signal: NodeJS.Signals): void {
  // 0, 1 and below stand for whole crowds.
  if (pid > 1 && readStat(pid)?.start === start) quietly(pid, signal);
}

/** All processes of a group, at once. */
export function sendToGroup(group: number, signal: NodeJS.Signals): void {
  if (group > 1) quietly(-group, signal);
}

/** Blocks: for the way out, when nothing else is to be done. */
export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function quietly(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // It has ended by itself.
  }
}
