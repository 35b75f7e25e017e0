import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Unplanned } from './plan.ts';
import type { Trouble } from './planning.ts';

/** `adopting`: its schedule cannot be taken over · `planning`: its slots cannot be worked out or written. */
type TroubleOf = 'adopting' | 'planning';

/** The agents whose slots are not planned. Each change is logged once and handed to `changed`. */
interface Troubles {
  /** All agents in trouble of that kind, from now on. */
  replace(kind: TroubleOf, list: readonly Unplanned[], now: number): void;
  of(agent: string): Trouble | undefined;
}

export function createTroubles(log: Log, changed: () => void): Troubles {
  const kept: Record<TroubleOf, Map<string, Trouble>> = { adopting: new Map(), planning: new Map() };
  const of = (agent: string) => kept.adopting.get(agent) ?? kept.planning.get(agent);
  return {
    replace(kind, list, now) {
      const before = kept[kind];
      const after = new Map<string, Trouble>();
      for (const { agent, error } of list) {
        const fault = toPlainFault(error);
        const old = before.get(agent);
        after.set(agent, { since: old?.since ?? now, fault });
        if (old?.fault.message !== fault.message)
          log.error(`${agent} has no slots: ${fault.message}`, { agent, fault });
      }
      kept[kind] = after;
      const over = [...before.keys()].filter((agent) => !of(agent));
      for (const agent of over) log.info(`the slots of ${agent} are planned again`, { agent });
      if (over.length > 0 || [...after.keys()].some((agent) => !before.has(agent))) changed();
    },
    of,
  };
}
