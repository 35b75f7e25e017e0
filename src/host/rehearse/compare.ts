import type { RehearsalSide } from '../../control/protocol.ts';
import { type Difference, diffJson } from '../../kernel/json-diff.ts';

/**
 * `same` and `differs`: both are done · `mended`: only the new one is · `fails`: only the old one is · `both-fail` ·
 * `unclear`: the new one came to something that a rehearsal refuses, so nothing can be said of the rest.
 */
type RehearsalWord = 'same' | 'differs' | 'mended' | 'fails' | 'both-fail' | 'unclear';

/** What people compare of one run. */
export type Compared = Pick<RehearsalSide, 'state' | 'result' | 'summary' | 'refused'>;

/** Where the summary stands among the differences. */
const SUMMARY = '(summary)';

/** What a new version's run is beside the old one's, and where their results differ. */
export function compareRuns(old: Compared, now: Compared): { is: RehearsalWord; differences: Difference[] } {
  const isBlocked = old.refused > 0 || now.refused > 0;
  if (now.state === 'failed') {
    if (isBlocked) return { is: 'unclear', differences: [] };
    return { is: old.state === 'done' ? 'fails' : 'both-fail', differences: [] };
  }
  if (old.state === 'failed') return { is: isBlocked ? 'unclear' : 'mended', differences: [] };
  const differences = diffJson(old.result, now.result);
  if (old.summary !== now.summary) {
    differences.push({ path: SUMMARY, is: 'changed', before: old.summary, after: now.summary });
  }
  if (differences.length === 0) return { is: 'same', differences };
  return { is: isBlocked ? 'unclear' : 'differs', differences };
}
