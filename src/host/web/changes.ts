import { isoOf } from '../../kernel/instant.ts';
import type { Time } from '../../kernel/time.ts';
import type { OpTable } from '../api/handlers.ts';
import type { HostBus } from '../bus.ts';

/** Calls back at each change; the answer ends it. */
type Subscribe = (call: () => void) => () => void;

interface ChangeNeeds {
  time: Time;
  store: Record<'changes' | 'pauseChanges' | 'healingChanges', Subscribe>;
  events: { listen: Subscribe };
}

/**
 * The least distance of two changes, in ms. A fleet that changes each second is told of each time: with a whole second the page would fall
 * behind by the slack of a timer each time, and meet the slots in the end.
 */
const LEAST_BETWEEN_MS = 900;
/** Events within this time, in ms, are one change for the page. */
const GATHERED_MS = 100;
/** Slots are due at whole seconds. Pages ask when they hear of a change: never within so many ms after a whole second. */
const OF_SLOTS_MS = 100;

/** The time until pages are told of a change, in ms. `now`: the wall clock; `sinceLastMs`: since they were told of the last one. */
export function waitBeforeChange(now: number, sinceLastMs: number): number {
  const wait = Math.max(GATHERED_MS, LEAST_BETWEEN_MS - sinceLastMs);
  const afterSecond = (now + wait) % 1_000;
  return afterSecond < OF_SLOTS_MS ? wait + OF_SLOTS_MS - afterSecond : wait;
}

/** Subscribes to the facts that no row of the store holds: agents in force, their versions, servers that are down. */
export function factsOfRooms(bus: Pick<HostBus, 'on'>): Subscribe {
  const calls = new Set<() => void>();
  for (const kind of [
    'agents.changed',
    'placement.changed',
    'origin.changed',
    'planning.changed',
    'batch.changed',
  ] as const)
    bus.on(kind, () => {
      for (const call of calls) call();
    });
  return (call) => {
    calls.add(call);
    return () => calls.delete(call);
  };
}

/** Answers `changed` until its client leaves. `onFact`: see {@link factsOfRooms}. */
export function changedOp({ time, store, events }: ChangeNeeds, onFact: Subscribe): OpTable['changed'] {
  return (_args, { item, gone }) =>
    new Promise((resolve) => {
      let sentAt = -LEAST_BETWEEN_MS;
      let stopTimer: (() => void) | undefined;
      const send = () => {
        stopTimer = undefined;
        sentAt = time.monotonic();
        item({ at: isoOf(time.now()) });
      };
      const change = () => {
        stopTimer ??= time.after(waitBeforeChange(time.now(), time.monotonic() - sentAt), send);
      };
      const ends = [
        store.changes(change),
        store.pauseChanges(change),
        store.healingChanges(change),
        events.listen(change),
        onFact(change),
      ];
      gone.addEventListener('abort', () => {
        for (const end of ends) end();
        stopTimer?.();
        resolve(null);
      });
    });
}
