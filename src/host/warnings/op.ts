import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import type { WarningView } from '../../operations/results/trends.ts';
import type { FindingStore } from '../../telemetry/ports.ts';
import { asWarning, type Warning } from '../../telemetry/warnings/warning.ts';
import { type EarlyWarnings, readWarnings } from './warnings.ts';

export interface WarningReads {
  store: Pick<FindingStore, 'findings'>;
  /** undefined while the host is down: the store has the warnings that it saw last. */
  earlyWarnings?: Pick<EarlyWarnings, 'current'>;
}

/** The operation that lists early warnings, whether the host runs or not. */
export function warningLookup(needs: WarningReads): { warnings(): Promise<WarningView[]> } {
  return { warnings: () => viewWarnings(needs) };
}

/** The current warnings, the most certain first. */
export async function viewWarnings({ store, earlyWarnings }: WarningReads): Promise<WarningView[]> {
  const all = earlyWarnings ? earlyWarnings.current() : (await readWarnings(store)).map(asWarning);
  return all.map(view);
}

function view({ since, hitsAt, ...warning }: Warning): WarningView {
  return { ...warning, since: isoOf(since), hitsAt: isoOrNull(hitsAt) };
}
