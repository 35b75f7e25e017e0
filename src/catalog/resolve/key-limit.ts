import type { Agent } from '../../jobs/agent.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { given } from '../../kernel/given.ts';
import { checkedLength } from '../../kernel/units.ts';
import type { AgentFileData } from '../files/agent-file.ts';
import type { ValueProblem } from '../files/issues.ts';
import { whatIsWrongWithLimit } from '../files/key-limit.ts';
import type { PluginManifest } from '../files/plugin-manifest.ts';
import type { Pick as PickValue } from './values.ts';

/** How many jobs of one key the agent may do at a time and begin within a time; an agent file sets each value anew, or takes the limit away. */
export function resolveKeyLimit(
  said: AgentFileData['limit'],
  plugin: PluginManifest,
  pick: PickValue,
): Pick<Agent, 'keyLimit'> | { wrong: ValueProblem } {
  if (said === false) {
    pick('limit', false, undefined, false);
    return {};
  }
  if (!said && !plugin.limit) return {};
  const ofPlugin = plugin.limit ?? {};
  const key = pick<string | undefined>('limit.key', said?.key, ofPlugin.key, undefined);
  const concurrency = pick<number | undefined>('limit.concurrency', said?.concurrency, ofPlugin.concurrency, undefined);
  const starts = pick<number | undefined>('limit.rate', said?.rate, ofPlugin.rate, undefined);
  const per = pick<string | undefined>('limit.per', said?.per, ofPlugin.per, undefined);
  const wrong = whatIsWrongWithLimit({ key, concurrency, rate: starts, per }, plugin.input?.schema);
  if (wrong) return { wrong };
  const rate =
    starts !== undefined && per !== undefined ? { starts, perMs: checkedLength(per, BOUNDS.timer) } : undefined;
  return { keyLimit: given({ key, concurrency, rate }) };
}
