import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { CatalogChange } from './ports.ts';

/** Those who want to hear of changes. One that throws keeps nobody else from hearing. */
export interface Listeners {
  tell(change: CatalogChange): void;
  /** Returns what ends it. */
  add(call: (change: CatalogChange) => void): () => void;
}

export function createListeners(log: Log): Listeners {
  const calls = new Set<(change: CatalogChange) => void>();
  return {
    tell(change) {
      for (const call of [...calls]) {
        try {
          call(change);
        } catch (error) {
          log.error('a listener of the catalog failed', { fault: toPlainFault(error) });
        }
      }
    },
    add(call) {
      calls.add(call);
      return () => void calls.delete(call);
    },
  };
}
