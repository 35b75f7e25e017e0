import { readStat } from '../../../kernel/proc.ts';

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
