import type { Time } from '../kernel/time.ts';
import type { Flash } from './page.ts';

/** Outcomes of acts until the page after them is shown: a redirect carries only their ids. */
export interface Flashes {
  /** Returns the id. */
  keep(session: string, flash: Flash): string;
  /** The outcome, for the session that acted; a page that is loaded again shows it again. */
  find(session: string, id: string | null): Flash | undefined;
}

const KEPT = 200;
const KEPT_MS = 60_000;

export function createFlashes(time: Pick<Time, 'monotonic'>): Flashes {
  const kept = new Map<string, { session: string; flash: Flash; until: number }>();
  let last = 0;
  return {
    keep(session, flash) {
      const id = String(++last);
      kept.set(id, { session, flash, until: time.monotonic() + KEPT_MS });
      const [oldest] = kept.keys();
      if (kept.size > KEPT) kept.delete(oldest!);
      return id;
    },
    find(session, id) {
      const found = id === null ? undefined : kept.get(id);
      return found && found.session === session && found.until > time.monotonic() ? found.flash : undefined;
    },
  };
}
