import type { JobId } from './model.ts';

/** Calls that wait for jobs to end. A call that leaves, for whatever reason, leaves nothing behind. */
export interface Waiters {
  /** `ended` resolves when the job ends, and rejects with the signal's reason. `leave` must be called in every case. */
  join(id: JobId, signal?: AbortSignal): { ended: Promise<void>; leave(): void };
  /** The job has ended. */
  release(id: JobId): void;
  /** Jobs that are waited for. */
  size(): number;
}

export function createWaiters(): Waiters {
  const waiting = new Map<JobId, Set<() => void>>();
  return {
    join(id, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      // The caller may have left before the job is looked at.
      promise.catch(() => {});
      const calls = waiting.get(id) ?? new Set();
      waiting.set(id, calls.add(resolve));
      const aborted = () => reject(signal!.reason);
      if (signal?.aborted) aborted();
      signal?.addEventListener('abort', aborted, { once: true });
      return {
        ended: promise,
        leave() {
          signal?.removeEventListener('abort', aborted);
          calls.delete(resolve);
          if (calls.size === 0 && waiting.get(id) === calls) waiting.delete(id);
        },
      };
    },
    release(id) {
      // Asked at the end of each job, and few of them are waited for.
      if (waiting.size === 0) return;
      const calls = waiting.get(id);
      waiting.delete(id);
      for (const call of calls ?? []) call();
    },
    size: () => waiting.size,
  };
}
