import { type Kernel, openKernel } from './kernel.ts';

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
