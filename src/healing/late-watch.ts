import type { JobStore } from '../jobs/ports.ts';
import type { Time } from '../kernel/time.ts';
import type { SlotStore } from '../schedule/ports.ts';
import { type Cases, caseWith } from './cases.ts';
import type { Disturbances } from './disturbances.ts';
import { LATE_AFTER_MS, type Overdue, overdue, stillOverdue } from './late.ts';
import { lateWords } from './words.ts';

/** Sees work that should have begun and did not. */
export interface LateWatch {
  /** One look; what is late at two looks in a row is told, then again each minute. */
  look(): Promise<void>;
}

export interface LateWatchNeeds extends Pick<Disturbances, 'notice'> {
  time: Time;
  store: Pick<JobStore, 'waiting'> & Pick<SlotStore, 'nextSlots'>;
  cases: Pick<Cases, 'of'>;
  /** Whose work is held up on purpose, or is being done. */
  excused(agent: string): boolean;
  /** Jobs below it wait on purpose. */
  leastPriority(): number | undefined;
}

export function createLateWatch({ time, store, cases, notice, excused, leastPriority }: LateWatchNeeds): LateWatch {
  let lately: Overdue[] = [];
  return {
    async look() {
      const now = time.now();
      const [slots, jobs] = await Promise.all([store.nextSlots(), store.waiting(leastPriority())]);
      const found = overdue({ slots, jobs, excused, now });
      const sure = stillOverdue(found, lately);
      lately = found;
      for (const one of sure) {
        // What was done about it gets time to help.
        const told = caseWith(cases.of(one.agent), 'late');
        if (told && now - told.lastAt < LATE_AFTER_MS) continue;
        const because = { code: 'LATE', message: lateWords(one, now) };
        notice({ agent: one.agent, verdict: 'late', because, seen: because.message }, {});
      }
    },
  };
}
