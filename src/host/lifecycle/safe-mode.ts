import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Store } from '../../store/ports.ts';

/**
 * A host that failed to start again and again starts with every agent held: nothing is claimed, no worker is started, due
 * slots end as skipped. Safe mode is not stored: an agent that is resumed is not held any more, and the next start by a person
 * begins without safe mode.
 */
export interface SafeMode {
  /** Since when (epoch ms) and why the agent is held; undefined: safe mode does not hold it. */
  holding(agent: string): { since: number; reason: string } | undefined;
  /** Lets the agent go. False: safe mode did not hold it. */
  release(agent: string): boolean;
  /** The problem that people see while an agent is held. */
  warning(agents: Iterable<string>): PlainFault[];
}

const NEXT = 'daruma logs, mend what is wrong, then daruma resume --all (or daruma stop; daruma start)';

/** `why` undefined: there is no safe mode, and no agent is held. `since`: the start of the host, epoch ms. */
export function createSafeMode(why: string | undefined, since: number): SafeMode {
  const released = new Set<string>();
  const hold = why === undefined ? undefined : { since, reason: `safe mode: ${why}` };
  const holding = (agent: string) => (released.has(agent) ? undefined : hold);
  return {
    holding,
    release(agent) {
      const isHeld = holding(agent) !== undefined;
      released.add(agent);
      return isHeld;
    },
    warning(agents) {
      const held = [...agents].filter(holding);
      if (!hold || (held.length === 0 && released.size > 0)) return [];
      const message = `${hold.reason}; ${held.length} ${held.length === 1 ? 'agent is' : 'agents are'} held, nothing of theirs runs`;
      return [{ code: 'SAFE_MODE', message, next: NEXT }];
    },
  };
}

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
          log.error(`the store gives no answer about ${name}; safe mode goes on without it`, {
            fault: toPlainFault(error),
          });
        logged.add(name);
        return [];
      }
    };
  return { ...store, ...Object.fromEntries(ASKED_AT_START.map((name) => [name, safely(name)])) };
}
