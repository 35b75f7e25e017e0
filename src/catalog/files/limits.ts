import type { AgentLimits } from '../../jobs/agent.ts';
import { parseDuration, parseSize } from '../../kernel/units.ts';
import type { Limits } from '../../plugin/define.ts';

/** A worker's bare heap is 5 MB; below this a plugin with zod does not even load. */
export const MEMORY_LEAST_BYTES = 16 * 1024 ** 2;
/** Node's timers do not reach further. */
export const LONGEST_TIMER_MS = 24 * 86_400_000;
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
  return parseDuration(timeout)! <= parseDuration(LONGEST_DEFAULT_SILENCE)! ? timeout : LONGEST_DEFAULT_SILENCE;
}

/** Limits as written and checked, in base units. */
export function toAgentLimits(limits: Limits): AgentLimits {
  const timeout = limits.timeout ?? DEFAULT_LIMITS.timeout;
  return {
    memoryBytes: parseSize(limits.memory ?? DEFAULT_LIMITS.memory)!,
    timeoutMs: parseDuration(timeout)!,
    silenceMs: parseDuration(limits.silence ?? defaultSilence(timeout))!,
    graceMs: parseDuration(limits.grace ?? DEFAULT_LIMITS.grace)!,
    attempts: limits.attempts ?? DEFAULT_LIMITS.attempts,
    backoff: {
      first: parseDuration(limits.backoff?.first ?? DEFAULT_LIMITS.backoff.first)!,
      longest: parseDuration(limits.backoff?.longest ?? DEFAULT_LIMITS.backoff.longest)!,
    },
    ...(limits.staleAfter === undefined ? {} : { staleAfterMs: parseDuration(limits.staleAfter)! }),
  };
}
