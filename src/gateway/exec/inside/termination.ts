import { readStat } from '../../../kernel/proc.ts';

/** The progress of the end of a command; times are of one monotonic clock, in ms. */
export interface Termination {
  /** The time since which the command is to end. */
  since: number;
  /** The time at which SIGTERM was sent. */
  askedAt: number | null;
}

/** The next signal for the processes that are left: first SIGTERM, after the grace SIGKILL again and again, for those forked meanwhile. */
export function nextSignal(pressing: Termination, now: number, graceMs: number): 'SIGTERM' | 'SIGKILL' | null {
  if (pressing.askedAt === null) return graceMs > 0 ? 'SIGTERM' : 'SIGKILL';
  return now - pressing.askedAt >= graceMs ? 'SIGKILL' : null;
}

/** Signals that very process, and no other that has its pid by now. */
export function send({ pid, start }: { pid: number; start: number }, signal: NodeJS.Signals): void {
  // Pids below 1 stand for whole groups of processes, and 1 is the machine's first process.
  if (pid > 1 && readStat(pid)?.start === start) quietly(pid, signal);
}

/** Signals the processes of a group, all at once. */
export function sendToGroup(group: number, signal: NodeJS.Signals): void {
  if (group > 1) quietly(-group, signal);
}

function quietly(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // The process has ended by itself.
  }
}
