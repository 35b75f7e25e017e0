import type { Catalog, FileReport } from '../../catalog/ports.ts';
import type { ScheduleSpec } from '../../jobs/agent.ts';
import { timetableOf } from '../../kernel/cron/timetable.ts';
import type { Time } from '../../kernel/time.ts';
import type { ChangeView } from '../../operations/results/version.ts';
import type { OpTable } from './handlers.ts';
import { iso, isoOrNull } from './views.ts';

/** The operation that streams the result of each changed file. */
export function changesOp({
  catalog,
  time,
}: {
  catalog: Pick<Catalog, 'agents' | 'onFileReport'>;
  time: Time;
}): OpTable['changes'] {
  function view(news: FileReport): ChangeView {
    const now = time.now();
    // Slots of a new schedule are not planned yet: their times are computed.
    const due = news.agents.flatMap((name) => {
      const schedule = catalog.agents().get(name)?.schedule;
      return schedule ? (nextOf(schedule, now) ?? []) : [];
    });
    return { ...news, at: iso(now), nextSlot: isoOrNull(due.length > 0 ? Math.min(...due) : null) };
  }

  return (_args, { item, gone }) =>
    new Promise<null>((resolve) => {
      const end = catalog.onFileReport((news) => item(view(news)));
      gone.addEventListener('abort', () => {
        end();
        resolve(null);
      });
    });
}

/** A schedule that cannot be kept has no next time: status and incidents say why. */
function nextOf(schedule: ScheduleSpec, now: number): number | undefined {
  try {
    return timetableOf(schedule).next(now);
  } catch {
    return undefined;
  }
}
