import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Store } from '../../store/ports.ts';

/** Questions of rooms that start. A refusal of any of them would end the start. All answers are lists. */
const ASKED_AT_START = ['paused', 'abandoned', 'waiting', 'newestSlots', 'nextSlots', 'dueSlots'] as const;

/**
 * The store of a host in safe mode: an answer that it cannot give counts as an empty one, and the log says so. No agent works meanwhile, so
 * nothing is missed; and a host that does not start cannot be asked what is wrong.
 */
export function withSafeReads(store: Store, log: Log): Store {
  const logged = new Set<string>();
  const safely =
    (name: (typeof ASKED_AT_START)[number]) =>
    async (...args: never[]) => {
      try {
        return await (store[name] as (...args: never[]) => Promise<unknown[]>)(...args);
      } catch (error) {
        if (!logged.has(name))
          log.error(`the store cannot tell ${name}; safe mode goes on without`, { fault: toPlainFault(error) });
        logged.add(name);
        return [];
      }
    };
  return { ...store, ...Object.fromEntries(ASKED_AT_START.map((name) => [name, safely(name)])) };
}
