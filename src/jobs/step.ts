import { pauseAfter } from '../kernel/backoff.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { AgentLimits } from './agent.ts';
import type { AttemptRef, Settlement } from './ports.ts';

/** What a running attempt can come to. */
export type AttemptEnd =
  | { is: 'done'; result: string | null }
  | { is: 'failed'; fault: PlainFault; retry: boolean | number }
  /** The attempt was cancelled by a person or by `overlap: replace`. */
  | { is: 'cancelled'; why: PlainFault };

export interface AttemptFacts extends AttemptRef {
  attempts: number;
  startedAt: number;
  finishedAt: number;
  summary?: string;
  worker?: string;
}

/**
 * Decides what becomes of a job when an attempt ends: done, cancelled, retrying at a time, or dead.
 *
 * - `retry: false` (GiveUp) or the last attempt used up → dead.
 * - a number (RetryLater) is the pause in ms; otherwise the backoff with `chance` in [0, 1).
 */
export function settle(
  facts: AttemptFacts,
  end: AttemptEnd,
  backoff: AgentLimits['backoff'],
  chance: number,
): Settlement {
  const { attempts, ...base } = facts;
  switch (end.is) {
    case 'done':
      return { ...base, state: 'done', result: end.result };
    case 'cancelled':
      return { ...base, state: 'cancelled', error: end.why };
    case 'failed': {
      const failure = { error: end.fault, cause: causeOf(end.fault) };
      if (end.retry === false || facts.attempt >= attempts) return { ...base, ...failure, state: 'dead' };
      const pause = typeof end.retry === 'number' ? end.retry : pauseAfter(facts.attempt, backoff, chance);
      return { ...base, ...failure, state: 'retrying', runAt: facts.finishedAt + pause };
    }
  }
}

/**
 * Names the cause of a failure, so that failures of one cause can be grouped: its code, its place and its message with
 * numbers, quoted text and hex runs taken out. `f-` and six base-36 digits (FNV-1a, 32 bits).
 */
export function causeOf(fault: PlainFault): string {
  const message = fault.message
    .split('\n', 1)[0]!
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '…')
    .replace(/\b[0-9a-f]{8,}\b/gi, '#')
    .replace(/\d+/g, '#');
  const text = `${fault.code}|${fault.file ?? ''}|${fault.line ?? ''}|${message}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `f-${(hash >>> 0).toString(36).padStart(6, '0').slice(-6)}`;
}
