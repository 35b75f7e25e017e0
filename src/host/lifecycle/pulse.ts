import { isStalled, type LoopAges, overdueAfter, PULSE_MS, type StalledLoop } from '../../kernel/pulse.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';

interface PulseNeeds {
  time: Time;
  /** The ages of the loops that run. */
  ages(): LoopAges;
  /** Called with each pulse; `stalled` is a sentence about a loop that stands still. */
  beat(ages: LoopAges, stalled: string | undefined): void;
}

/**
 * The host's sign of life, once a second, from its first moment to its last: when each loop last turned. It is sent by
 * the host's own loop, so it ends with that.
 */
export function createPulse({ time, ages, beat }: PulseNeeds): Service {
  let overdue: StalledLoop | undefined;
  let turned: number | undefined;
  let cancel = () => {};

  function turn() {
    const now = ages();
    overdue = overdueAfter(overdue, now);
    turned = time.monotonic();
    cancel = time.after(PULSE_MS, turn);
    const stalled = isStalled(overdue)
      ? `${overdue.loop} has not turned for ${Math.round(overdue.ageMs / 1_000)} s`
      : undefined;
    beat(now, stalled);
  }

  return {
    async start() {
      if (turned === undefined) turn();
    },
    async stop() {
      cancel();
      turned = undefined;
      overdue = undefined;
    },
    alive: () => turned,
  };
}

/** How long ago each of the services that run last turned. */
export function agesOf(services: ReadonlyMap<string, Service>, now: number): LoopAges {
  const ages: LoopAges = {};
  for (const [name, service] of services) {
    const turned = service.alive();
    if (turned !== undefined) ages[name] = Math.round(now - turned);
  }
  return ages;
}
