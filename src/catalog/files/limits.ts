import type { AgentLimits } from '../../jobs/agent.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { checkedLength, checkedSize } from '../../kernel/units.ts';
import type { Limits } from '../../plugin/define.ts';

const LONGEST_DEFAULT_SILENCE = '15m';

/** What holds where neither plugin nor agent file says anything; `silence` follows from the timeout. */
export const DEFAULT_LIMITS = {
  memory: '128MB',
  timeout: '5m',
  attempts: 5,
  backoff: { first: '1s', longest: '5m' },
  grace: '2s',
} as const satisfies Limits;

/** The silence that goes with a timeout when nobody says one. */
export function defaultSilence(timeout: string): string {
  return timer(timeout) <= timer(LONGEST_DEFAULT_SILENCE) ? timeout : LONGEST_DEFAULT_SILENCE;
}

const timer = (text: string) => checkedLength(text, BOUNDS.timerOrNone);

/** Limits as written and checked, in base units. */
export function toAgentLimits(limits: Limits): AgentLimits {
  const timeout = limits.timeout ?? DEFAULT_LIMITS.timeout;
  return {
    memoryBytes: checkedSize(limits.memory ?? DEFAULT_LIMITS.memory, BOUNDS.memory),
    timeoutMs: timer(timeout),
    silenceMs: timer(limits.silence ?? defaultSilence(timeout)),
    graceMs: timer(limits.grace ?? DEFAULT_LIMITS.grace),
    attempts: limits.attempts ?? DEFAULT_LIMITS.attempts,
    backoff: {
      first: timer(limits.backoff?.first ?? DEFAULT_LIMITS.backoff.first),
      longest: timer(limits.backoff?.longest ?? DEFAULT_LIMITS.backoff.longest),
    },
    ...(limits.staleAfter === undefined ? {} : { staleAfterMs: checkedLength(limits.staleAfter, BOUNDS.use) }),
  };
}
