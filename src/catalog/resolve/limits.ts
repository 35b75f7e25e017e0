import { type AgentLimits, NO_TIMEOUT_MS } from '../../jobs/agent.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { checkedLength, checkedSize } from '../../kernel/units.ts';
import type { Limits } from '../../plugin/define.ts';
import type { AgentFileData } from '../files/agent-file.ts';
import type { PluginManifest } from '../files/plugin-manifest.ts';
import type { Pick } from './values.ts';

const LONGEST_DEFAULT_SILENCE = '15m';

/** The limits of an agent whose plugin and file set none; `silence` follows from the timeout. */
export const DEFAULT_LIMITS = {
  memory: '128MB',
  timeout: '5m',
  attempts: 5,
  backoff: { first: '1s', longest: '5m' },
  grace: '2s',
} as const satisfies Limits;

/** The silence limit of an agent that runs always, in place of a timeout. */
const NO_TIMEOUT = 'none';

const timer = (text: string) => checkedLength(text, BOUNDS.timerOrNone);

/** The limits of an agent in ms and bytes, from the checked limits of its file and its plugin. */
export function resolveLimits(
  said: AgentFileData['limits'],
  plugin: PluginManifest['limits'],
  pick: Pick,
  always = false,
): AgentLimits {
  const { backoff: b } = said ?? {};
  const { backoff: p } = plugin ?? {};
  const { backoff } = DEFAULT_LIMITS;
  const timeout = pick<string>(
    'limits.timeout',
    said?.timeout,
    plugin?.timeout,
    always ? NO_TIMEOUT : DEFAULT_LIMITS.timeout,
  );
  const memory = pick<string>('limits.memory', said?.memory, plugin?.memory, DEFAULT_LIMITS.memory);
  const silence = pick<string>('limits.silence', said?.silence, plugin?.silence, defaultSilence(timeout));
  const attempts = pick<number>('limits.attempts', said?.attempts, plugin?.attempts, DEFAULT_LIMITS.attempts);
  const first = pick<string>('limits.backoff.first', b?.first, p?.first, backoff.first);
  const longest = pick<string>('limits.backoff.longest', b?.longest, p?.longest, backoff.longest);
  const grace = pick<string>('limits.grace', said?.grace, plugin?.grace, DEFAULT_LIMITS.grace);
  const staleAfter = pick<string | undefined>('limits.staleAfter', said?.staleAfter, plugin?.staleAfter, undefined);
  return {
    memoryBytes: checkedSize(memory, BOUNDS.memory),
    timeoutMs: timeout === NO_TIMEOUT ? NO_TIMEOUT_MS : timer(timeout),
    silenceMs: timer(silence),
    graceMs: timer(grace),
    attempts,
    backoff: { first: timer(first), longest: timer(longest) },
    ...(staleAfter === undefined ? {} : { staleAfterMs: checkedLength(staleAfter, BOUNDS.use) }),
  };
}

function defaultSilence(timeout: string): string {
  if (timeout === NO_TIMEOUT) return LONGEST_DEFAULT_SILENCE;
  return timer(timeout) <= timer(LONGEST_DEFAULT_SILENCE) ? timeout : LONGEST_DEFAULT_SILENCE;
}
