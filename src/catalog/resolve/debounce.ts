import type { Agent } from '../../jobs/agent.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { given } from '../../kernel/given.ts';
import { checkedLength, formatLengthBound } from '../../kernel/units.ts';
import type { AgentFileData } from '../files/agent-file.ts';
import type { ValueProblem } from '../files/issues.ts';
import { whatIsWrongWithKey } from '../files/key-limit.ts';
import { type PluginManifest, whatIsWrongWithDebounce } from '../files/plugin-manifest.ts';
import type { Pick as PickValue } from './values.ts';

/** How many periods a job is put off at most, where nobody says another timeout: silence is failure. */
const PERIODS = 10;

/** How the agent's jobs become one; an agent file sets each value anew, or switches it off. */
export function resolveDebounce(
  said: AgentFileData['debounce'],
  { debounce: plugin, input }: Pick<PluginManifest, 'debounce' | 'input'>,
  pick: PickValue,
): Pick<Agent, 'debounce'> | { wrong: ValueProblem } {
  if (said === false) {
    pick('debounce', false, undefined, false);
    return {};
  }
  const period = pick<string | undefined>('debounce.period', said?.period, plugin?.period, undefined);
  if (period === undefined) return said ? { wrong: noPeriod() } : {};
  const periodMs = checkedLength(period, BOUNDS.timer);
  const usual = formatLengthBound(Math.min(PERIODS * periodMs, BOUNDS.timer.most));
  const timeout = pick<string>('debounce.timeout', said?.timeout, plugin?.timeout, usual);
  const key = pick<string | undefined>('debounce.key', said?.key, plugin?.key, undefined);
  const wrong = whatIsWrongWithDebounce(period, timeout) ?? whatIsWrongWithKey('debounce', key, input?.schema);
  if (wrong) return { wrong };
  return { debounce: { periodMs, timeoutMs: checkedLength(timeout, BOUNDS.timer), ...given({ key }) } };
}

function noPeriod(): ValueProblem {
  return {
    code: 'DEBOUNCE_INVALID',
    path: ['debounce'],
    message: 'says nothing of how long a job waits for the next one, and neither does the plugin',
    next: 'write `period: 30s` in it',
  };
}
