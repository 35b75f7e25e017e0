import { readdirSync, readFileSync } from 'node:fs';
import { type Kernel, openKernel } from './kernel.ts';
import type { FenceReport } from './terms.ts';

/**
 * Compares the fences that a process reports with what the kernel says of each of its threads; returns the difference in words,
 * undefined without one, and undefined where this process may not look. The fenced process cannot forge the kernel's words.
 */
export function fenceDifference(pid: number, report: Pick<FenceReport, 'landlock' | 'seccomp'>): string | undefined {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return undefined;
  }
  for (const thread of threads) {
    const text = statusOf(`/proc/${pid}/task/${thread}/status`);
    const [newRights, filter] = [/^NoNewPrivs:\s+(\d)/m, /^Seccomp:\s+(\d)/m].map((line) => line.exec(text)?.[1]);
    // Only the filter takes all threads along; without it the other threads stay as they were.
    if (report.seccomp && newRights === '0') return `thread ${thread} may gain rights`;
    if (report.seccomp && filter !== undefined && filter !== '2')
      return `thread ${thread} has no filter of system calls`;
  }
  return undefined;
}

/** The kernel's words about a thread; empty for a thread that has just ended. */
function statusOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The version of Landlock's interface that the kernel offers to processes of this one; 0: none. */
export function landlockOffered(): number {
  return withKernel((kernel) => kernel.landlockVersion()) ?? 0;
}

/**
 * Closes what this process inherited to its children, and its environment and memory to other processes of its user (root
 * may look all the same). Call it once, before anything else; where the kernel cannot be called it does nothing.
 */
export function hardenProcess(): void {
  withKernel((kernel) => {
    kernel.keepDescriptors();
    kernel.refuseInspection();
  });
}

/**
 * Makes this process the parent of all descendants that lose theirs (it is their subreaper), so that none gets out of sight.
 * False where the kernel cannot be called. Their ends are asked for by {@link reapChildren}.
 */
export function adoptOrphans(): boolean {
  return withKernel((kernel) => kernel.adoptOrphans()) ?? false;
}

/** Asks for the ends of children that Node did not start; those that live are left as they are. */
export function reapChildren(pids: readonly number[]): void {
  if (pids.length > 0) withKernel((kernel) => pids.forEach(kernel.reap));
}

function withKernel<T>(use: (kernel: Kernel) => T): T | undefined {
  const kernel = openKernel();
  if (!kernel) return undefined;
  try {
    return use(kernel);
  } finally {
    kernel.close();
  }
}
