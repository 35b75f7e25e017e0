import type { Healer } from '../healing/healer.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Aside, AsideStore } from '../telemetry/ports.ts';

/** Reports rows of the store that could not be read and were set aside, once, as an incident of the host. */
export interface Asides {
  /** Rows were set aside just now. */
  found(count: number): void;
  /** Reports go to `healer` from now on; also of rows that an earlier host, or `daruma store mend`, left unreported. */
  reportTo(healer: Pick<Healer, 'mended'>): void;
  /** Resolves when the rows of before are reported, or could not be. */
  settled(): Promise<void>;
}

/** Rows that an incident names; the others are counted. */
const MOST_NAMED = 5;
const MOST_AT_ONCE = 1_000;

export function createAsides(needs: { log: Log; store: () => Pick<AsideStore, 'asides' | 'asidesReported'> }): Asides {
  const { log, store } = needs;
  let healer: Pick<Healer, 'mended'> | undefined;
  let reporting: Promise<void> = Promise.resolve();

  async function report() {
    if (!healer) return;
    try {
      const unreported = await store().asides({ unreported: true, limit: MOST_AT_ONCE });
      if (unreported.length === 0) return;
      const seen = asideWords(unreported.reverse());
      const rows = unreported.map(({ content: _, ...row }) => row);
      const because = { code: 'ROWS_UNREADABLE', message: seen, next: 'daruma store check', data: { rows } };
      healer.mended({ agent: null, verdict: 'unreadable', because, seen }, 'everybody else is served');
      await store().asidesReported(unreported.map(({ id }) => id));
    } catch (error) {
      log.error('rows that were set aside could not be reported', { fault: toPlainFault(error) });
    }
  }

  function scheduleReport() {
    reporting = reporting.then(report);
  }

  return {
    found(count) {
      const message = `${count} ${count === 1 ? 'row' : 'rows'} of the store could not be read and ${count === 1 ? 'is' : 'are'} set aside`;
      log.error(message, { next: 'daruma store check' });
      scheduleReport();
    },
    reportTo(to) {
      healer = to;
      scheduleReport();
    },
    settled: () => reporting,
  };
}

/** `2 rows of the store could not be read: job job-2s of later (run_at 1795736000000000000); pause tick (until …)` */
function asideWords(rows: readonly Pick<Aside, 'source' | 'name' | 'agent' | 'why'>[]): string {
  const named = rows.slice(0, MOST_NAMED).map(({ source, name, agent, why }) => {
    const of = agent === null || name.startsWith(agent) ? '' : ` of ${agent}`;
    return `${source} ${name}${of} (${why})`;
  });
  const more = rows.length > MOST_NAMED ? `; and ${rows.length - MOST_NAMED} more` : '';
  return `${rows.length} ${rows.length === 1 ? 'row' : 'rows'} of the store could not be read: ${named.join('; ')}${more}`;
}
