import type { HoldUpView } from '../../control/protocol.ts';
import { isoOrNull } from '../../kernel/instant.ts';
import { type KeyLimit, type KeyUse, limitKeyOf, nextStartOfKey, roomOfKey } from '../../kernel/key-limit.ts';
import { formatDuration } from '../../kernel/units.ts';

/** How a job that is due waits for the limit of its key, and when its rate lets the next one begin; null: the key has room. */
export function keyHoldUp(limit: KeyLimit, use: KeyUse, input: string | null, now: number): HoldUpView | null {
  if (roomOfKey(limit, use, now) > 0) return null;
  const { concurrency, rate } = limit;
  const key = limitKeyOf(limit, input);
  const named = limit.key === undefined ? '' : `: ${limit.key} ${key === '' ? 'without a value' : key}`;
  const isFull = concurrency !== undefined && use.running >= concurrency;
  const of = isFull
    ? `${use.running} of ${concurrency} at work`
    : `${rate!.starts} began within ${formatDuration(rate!.perMs)}`;
  const until = isoOrNull(nextStartOfKey(limit, use, now));
  return { is: 'limit', text: `it waits for its limit${named}, ${of}`, until, next: null };
}
