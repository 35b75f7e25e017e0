import { readFileSync, writeFileSync } from 'node:fs';

/**
 * By how much a process is a better victim than the host when the kernel runs out of memory, in thousandths of the memory
 * that there is; by size alone it might take the host, and every agent with it.
 */
export const SOONER = { broker: 100, cell: 200, builder: 200, command: 300 } as const;

const FILE = '/proc/self/oom_score_adj';
const MOST = 1_000;

/** Offers this process, and what it will start, to the kernel before the one that started it. Elsewhere than on Linux it does nothing. */
export function endMeSooner(by: number): void {
  try {
    // What was set from outside (a user's systemd, a container) stays the base.
    writeFileSync(FILE, String(Math.min(MOST, Number(readFileSync(FILE, 'utf8')) + by)));
  } catch {
    // The choice is the kernel's own, then.
  }
}
