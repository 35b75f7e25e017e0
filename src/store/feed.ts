import type { JobChange } from '../jobs/ports.ts';

/** Tells changes to those who listen in this process. */
export interface Feed {
  changes(call: (change: JobChange) => void): () => void;
  publish(change: JobChange): void;
}

export function createFeed(): Feed {
  const calls = new Set<(change: JobChange) => void>();
  return {
    changes(call) {
      // A function that listens twice is two listeners.
      const own = (change: JobChange) => call(change);
      calls.add(own);
      return () => void calls.delete(own);
    },
    publish(change) {
      for (const call of calls) call(change);
    },
  };
}
