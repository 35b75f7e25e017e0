import type { Catalog, CatalogNews } from '../../catalog/ports.ts';
import type { ChangeView } from '../../control/protocol.ts';
import { parseCron } from '../../kernel/cron/fields.ts';
import { nextAfter } from '../../kernel/cron/next.ts';
import type { Time } from '../../kernel/time.ts';
import { iso, isoOrNull } from './views.ts';

/** The op that tells what comes of changed files. */
export function changesOp({ catalog, time }: { catalog: Pick<Catalog, 'agents' | 'onNews'>; time: Time }) {
  function view(news: CatalogNews): ChangeView {
    const now = time.now();
    // Slots of a schedule that is new are not planned yet: they are said as they will be.
    const due = news.agents.flatMap((name) => {
      const schedule = catalog.agents().get(name)?.schedule;
      return schedule ? (nextAfter(parseCron(schedule.expression), schedule.timezone, now) ?? []) : [];
    });
    return { ...news, at: iso(now), nextSlot: isoOrNull(due.length > 0 ? Math.min(...due) : null) };
  }

  return (_args: unknown, { item, gone }: { item(item: unknown): boolean; gone: AbortSignal }) =>
    new Promise<null>((resolve) => {
      const end = catalog.onNews((news) => item(view(news)));
      gone.addEventListener('abort', () => {
        end();
        resolve(null);
      });
    });
}
