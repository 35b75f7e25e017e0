import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';

/** Those who want to hear of something. One that throws harms neither the teller nor the others. */
interface Listeners<T> {
  /** Returns what ends it. */
  add(call: (told: T) => void): () => void;
  notify(what: T): void;
}

export function createListeners<T>(log: Log): Listeners<T> {
  const calls = new Set<(told: T) => void>();
  return {
    add(call) {
      calls.add(call);
      return () => void calls.delete(call);
    },
    notify(what) {
      for (const call of [...calls]) {
        try {
          call(what);
        } catch (error) {
          log.error('a listener of the catalog failed', { fault: toPlainFault(error) });
        }
      }
    },
  };
}
