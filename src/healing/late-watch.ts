import type { JobRecords } from '../jobs/ports.ts';
import type { Time } from '../kernel/time.ts';
import { LATE_AFTER_MS } from '../schedule/decide.ts';
import type { SlotStore } from '../schedule/ports.ts';
import { type LateWork, overdue, stillOverdue } from './late.ts';
import { newestWith, type OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';
import { lateWords } from './words.ts';

/** Sees work that should have begun and did not. */
interface LateWatch {
  /** Looks once. Work that is late at two looks in a row is reported, then again each minute. */
  look(): Promise<void>;
}

export interface LateWatchNeeds extends Pick<Signals, 'notice'> {
  time: Time;
  store: Pick<JobRecords, 'waiting'> & Pick<SlotStore, 'nextSlots'>;
  openIncidents: Pick<OpenIncidents, 'of'>;
  /** Agents whose work is held on purpose, or is being done. */
  isExempt(agent: string): boolean;
  /** Jobs below it wait on purpose. */
  leastPriority(): number | undefined;
}

export function createLateWatch({
  time,
  store,
  openIncidents,
  notice,
  isExempt,
  leastPriority,
}: LateWatchNeeds): LateWatch {
  let lastFound: LateWork[] = [];
  return {
    async look() {
      const now = time.now();
      const [slots, waiting] = await Promise.all([store.nextSlots(), store.waiting(leastPriority())]);
      const jobs = waiting.map(({ agent, inMs }) => ({ agent, nextAt: now + inMs }));
      const found = overdue({ slots, jobs, isExempt, now });
      const confirmed = stillOverdue(found, lastFound);
      lastFound = found;
      for (const one of confirmed) {
        // The remedy gets time to help.
        const withLate = newestWith(openIncidents.of(one.agent), 'late');
        if (withLate && now - withLate.lastAt < LATE_AFTER_MS) continue;
        const because = { code: 'LATE', message: lateWords(one, now) };
        notice({ agent: one.agent, verdict: 'late', because, seen: because.message }, {});
      }
    },
  };
}
