import type { Timetable } from '../kernel/cron/timetable.ts';
import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { formatDuration } from '../kernel/units.ts';
import type { Unplanned } from './plan.ts';

/**
 * How far the slots of an agent's schedule are written. `waiting`: nothing of it has been planned yet · `planned`: every slot
 * up to a time is a row · `ended`: its schedule has no time left, as its author wanted · `failed`: its times cannot be worked
 * out, or the store refuses them. `trouble`: no agent's slots are planned just now. Times are epoch ms.
 */
export type Planning =
  | { is: 'waiting'; since: number; trouble: Trouble | undefined }
  | { is: 'planned'; upTo: number; trouble: Trouble | undefined }
  | { is: 'ended'; text: string }
  | { is: 'failed'; since: number; fault: PlainFault };

/** Why slots are not planned. */
export interface Trouble {
  /** Epoch ms. */
  since: number;
  fault: PlainFault;
}

/** Slots that are not planned within this time are in trouble. */
const PATIENCE_MS = 60_000;
/** A clock that is set back by so little, just after a slot had its end, is not noticed. */
const UNNOTICED_MS = 2_000;

/**
 * Why an agent with a schedule has no next slot; undefined when it has one, needs none, or it is about to be written. The law
 * that no agent without a next slot is ok rests on this function: status, check and incidents ask it.
 */
export function whyUnscheduled(
  planning: Planning | undefined,
  nextSlot: number | undefined,
  now: number,
): PlainFault | undefined {
  if (!planning || nextSlot !== undefined) return undefined;
  switch (planning.is) {
    case 'ended':
      return undefined;
    case 'failed':
      return planning.fault;
    case 'waiting':
      return late(planning.since, planning.trouble, now);
    case 'planned': {
      const { upTo, trouble } = planning;
      if (upTo <= now) return late(upTo, trouble, now);
      if (upTo - now <= UNNOTICED_MS) return undefined;
      const message = 'its next slot was planned and is not in the store any more';
      return { code: 'SLOT_LOST', message, next: 'daruma logs --level error' };
    }
  }
}

function late(upTo: number, trouble: Trouble | undefined, now: number): PlainFault | undefined {
  // While slots cannot be written ahead, slots that come due are still settled.
  const since = Math.min(upTo, trouble?.since ?? upTo);
  if (now - since <= PATIENCE_MS) return undefined;
  const reason = trouble ? `: ${trouble.fault.message}` : '';
  const message = `its slots have not been planned for ${formatDuration(now - since)}${reason}`;
  return { code: 'NOT_PLANNED', message, next: trouble?.fault.next ?? 'daruma logs --level error' };
}

/** A schedule without an end has no time left: none of its months has such a day. */
export function neverDue({ text }: Pick<Timetable, 'text'>): PlainFault {
  return {
    code: 'SCHEDULE_INVALID',
    message: `its schedule ${text} never comes due again`,
    next: 'change its schedule',
  };
}

/** `adopting`: its schedule cannot be taken over · `planning`: its slots cannot be worked out or written. */
type TroubleOf = 'adopting' | 'planning';

/** The agents whose slots are not planned. A change of trouble is logged once and handed to `changed`. */
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
