import type { PlainFault } from '../../kernel/fault.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import type { Pauses } from '../pauses.ts';

/**
 * A host that failed to start again and again starts with every agent held: nothing is claimed, no worker is started,
 * due slots end as skipped. Nothing of it is kept: an agent that is resumed is held no more, and the next start that
 * is asked for by a person begins without it.
 */
export interface SafeMode {
  holds(agent: string): boolean;
  isOn(): boolean;
  /** The pauses of the house with the held agents among them. Resuming a held agent lets it go, and leaves a pause by hand. */
  pauses: Pauses;
  /** Slots of held agents ask for no job. */
  slots: SlotStore;
  /** What people are told while an agent is held. */
  warning(agents: Iterable<string>): PlainFault[];
}

const NEXT = 'daruma logs, mend what is wrong, then daruma resume --all (or daruma stop; daruma start)';

/** `why` undefined: no safe mode; everything is as it was handed in. */
export function createSafeMode(why: string | undefined, pauses: Pauses, slots: SlotStore): SafeMode {
  const released = new Set<string>();
  const calls: Parameters<Pauses['onChange']>[0][] = [];
  const holds = (agent: string) => why !== undefined && !released.has(agent);
  const reason = `safe mode: ${why}`;
  return {
    holds,
    isOn: () => why !== undefined,
    pauses: {
      ...pauses,
      isPaused: (agent) => holds(agent) || pauses.isPaused(agent),
      get: (agent) => (holds(agent) ? { until: null, why: reason } : pauses.get(agent)),
      async resume(agent) {
        if (!holds(agent)) return pauses.resume(agent);
        released.add(agent);
        if (!pauses.isPaused(agent)) for (const call of calls) call({ agent, paused: false, until: null });
      },
      onChange(call) {
        calls.push(call);
        pauses.onChange(call);
      },
    },
    slots: {
      ...slots,
      decide: (decisions, now) =>
        slots.decide(
          decisions.map(({ job, ...decision }) =>
            job && holds(decision.agent)
              ? { ...decision, state: 'skipped', reason }
              : { ...decision, ...(job ? { job } : {}) },
          ),
          now,
        ),
    },
    warning(agents) {
      const held = [...agents].filter(holds);
      if (why === undefined || (held.length === 0 && released.size > 0)) return [];
      const message = `${reason}; ${held.length} ${held.length === 1 ? 'agent is' : 'agents are'} held, nothing of theirs runs`;
      return [{ code: 'SAFE_MODE', message, next: NEXT }];
    },
  };
}
