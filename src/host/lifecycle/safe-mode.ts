import type { PlainFault } from '../../kernel/fault.ts';

/**
 * A host that failed to start again and again starts with every agent held: nothing is claimed, no worker is started,
 * due slots end as skipped. Nothing of it is kept: an agent that is resumed is held no more, and the next start that
 * is asked for by a person begins without it.
 */
export interface SafeMode {
  /** Since when (epoch ms) and why the agent is held; undefined: safe mode does not hold it. */
  holding(agent: string): { since: number; reason: string } | undefined;
  /** Lets the agent go. False: safe mode did not hold it. */
  release(agent: string): boolean;
  /** What people are told while an agent is held. */
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
