/** The rung that answered a call. */
interface PastCall {
  rung: string;
  model: string;
}

/** The newest calls that were answered: their callers may say that an answer was of no use. */
interface PastCalls {
  add(id: string, call: PastCall): void;
  /** Forgets the call. undefined: it is unknown, or too old. */
  take(id: string): PastCall | undefined;
}

const MOST_KEPT = 1_000;

export function createPastCalls(): PastCalls {
  const calls = new Map<string, PastCall>();
  return {
    add(id, call) {
      calls.set(id, call);
      if (calls.size > MOST_KEPT) calls.delete(calls.keys().next().value!);
    },
    take(id) {
      const found = calls.get(id);
      calls.delete(id);
      return found;
    },
  };
}
