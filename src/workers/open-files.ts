import { readdirSync, readFileSync } from 'node:fs';

/** Taken where nobody can tell. */
const MOST = 1_024;

/** How many files this process may have open: Node takes all that the system grants at most, and a cell inherits it. */
export function mostFiles(): number {
  try {
    const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return hard ? Number(hard) : MOST;
  } catch {
    return MOST;
  }
}

/** How many it has open; null where nobody can tell. Whoever has them all open cannot even look: that is told as `most`. */
export function openFiles(most: number): number | null {
  try {
    // Reading the folder opens one as well.
    return readdirSync('/proc/self/fd').length - 1;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EMFILE' ? most : null;
  }
}
