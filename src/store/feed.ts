/** Changes of one kind, for those who listen in this process. */
export interface Feed<Change> {
  changes(call: (change: Change) => void): () => void;
  publish(change: Change): void;
}

export function createFeed<Change>(): Feed<Change> {
  const calls = new Set<(change: Change) => void>();
  return {
    changes(call) {
      // A function that listens twice is two listeners.
      const own = (change: Change) => call(change);
      calls.add(own);
      return () => void calls.delete(own);
    },
    publish(change) {
      for (const call of calls) call(change);
    },
  };
}
