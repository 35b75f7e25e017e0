import type { Catalog } from '../../catalog/ports.ts';
import { nextTimes, timetableOf } from '../../kernel/cron/timetable.ts';
import type { Time } from '../../kernel/time.ts';
import type { OpTable } from './handlers.ts';
import { listingOf } from './known.ts';
import { iso } from './views.ts';

interface NextNeeds {
  time: Time;
  catalog: Pick<Catalog, 'listings' | 'agents'>;
}

/** The schedule of an agent in words, and its next times: computed from the schedule alone, whether the host runs or not. */
export function nextLookup({ time, catalog }: NextNeeds): Pick<OpTable, 'next'> {
  return {
    async next({ agent, n }) {
      listingOf(catalog, agent);
      const spec = catalog.agents().get(agent)?.schedule;
      if (!spec) return { agent, schedule: null, timezone: null, words: null, notes: [], times: [] };
      const { expression: schedule, timezone } = spec;
      const times = nextTimes(timetableOf(spec), time.now(), n).map(iso);
      // Only this op needs the words of schedules.
      const { wordsOf } = await import('../../schedule/words.ts');
      return { agent, schedule, timezone, ...wordsOf(spec), times };
    },
  };
}
