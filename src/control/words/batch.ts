import type { BatchItemView, BatchView } from '../protocol.ts';

const DONE = { replay: 'replayed', drop: 'dropped', cancel: 'cancelled' } as const;

/** The result of an item in words: `dropped as stale`. */
export function actedWords(act: BatchView['act'], result: NonNullable<BatchItemView['result']>): string {
  if (result === 'stale') return 'dropped as stale';
  if (result === 'gone') return 'not there any more';
  return result === 'done' ? DONE[act] : 'failed';
}

/** `2 replayed · 12 dropped as stale · 0 failed`: always what was done and what failed, the other counts where there are any. */
export function batchWords(
  counts: Pick<BatchView, 'act' | 'done' | 'stale' | 'gone' | 'failed'> & { left?: number },
): string {
  const { act, left = 0 } = counts;
  const parts = (['done', 'stale', 'gone', 'failed'] as const)
    .filter((result) => counts[result] > 0 || result === 'done' || result === 'failed')
    .map((result) => `${counts[result]} ${actedWords(act, result)}`);
  return [...parts, ...(left > 0 ? [`${left} left`] : [])].join(' · ');
}
