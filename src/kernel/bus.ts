import { toPlainFault } from './fault.ts';
import type { Log } from './log.ts';

/**
 * Facts on their way from the room that finds them out to the rooms that act on them. A kind of fact has one type; `F` maps
 * its name to the fact. A fact is over once its listeners were called: no fact is stored, and no listener answers.
 */
export interface Bus<F> {
  /** Subscribes; listeners of one kind are called in the order in which they subscribed. */
  on<K extends keyof F>(kind: K, listener: (fact: F[K]) => void): void;
  /**
   * Calls the listeners before it returns. Never throws: the error of a listener is logged, and the next listener is
   * called.
   */
  emit<K extends keyof F>(kind: K, fact: F[K]): void;
}

/** A bus without listeners. `log` gets the errors of listeners. */
export function createBus<F>(log: Pick<Log, 'error'>): Bus<F> {
  const listeners = new Map<keyof F, ((fact: never) => void)[]>();
  return {
    on(kind, listener) {
      const known = listeners.get(kind) ?? [];
      known.push(listener);
      listeners.set(kind, known);
    },
    emit(kind, fact) {
      for (const listener of listeners.get(kind) ?? []) {
        try {
          listener(fact as never);
        } catch (error) {
          log.error(`a listener of ${String(kind)} failed`, { fault: toPlainFault(error) });
        }
      }
    },
  };
}
