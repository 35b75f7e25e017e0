import type { Agent } from '../../jobs/agent.ts';
import type { AgentFileData } from '../files/agent-file.ts';
import type { ValueProblem } from '../files/issues.ts';
import type { PluginManifest } from '../files/plugin-manifest.ts';
import type { Pick as PickValue } from './values.ts';

/** Options that cannot stand beside `always`, in the order in which it is named. */
const BESIDE = ['schedule', 'at', 'on', 'webhook', 'debounce', 'limit', 'firstRun', 'input'] as const;

/**
 * Whether the agent runs always. An agent file may switch it off, and then say another trigger; it cannot switch it on, since the code
 * of a job ends and that of a loop does not.
 */
export function resolveAlways(
  said: AgentFileData | undefined,
  plugin: PluginManifest,
  pick: PickValue,
): Pick<Agent, 'always'> | { wrong: ValueProblem } {
  if (said?.always === true && plugin.always !== true) {
    const message = 'the plugin does its work in jobs: an agent file cannot make it run always';
    return { wrong: { code: 'ALWAYS_INVALID', path: ['always'], message, next: 'write `always: true` in the plugin' } };
  }
  if (plugin.always === undefined || !pick('always', said?.always, plugin.always, false)) return {};
  const given: Partial<Record<(typeof BESIDE)[number], unknown>> = { ...plugin, ...said };
  const beside = BESIDE.find((key) => isSaid(given[key]));
  if (beside) return { wrong: wrongBeside(beside, said?.[beside as keyof AgentFileData] !== undefined) };
  const { workers = plugin.workers } = said ?? {};
  if ((workers?.max ?? 1) > 1 || (workers?.min ?? 0) > 1) {
    const message = 'it runs always, and only once: several workers would do the same work';
    return { wrong: { code: 'ALWAYS_INVALID', path: ['workers'], message, next: 'leave `workers` out' } };
  }
  if ((said?.concurrency ?? plugin.concurrency ?? 1) > 1) {
    const message = 'it runs always, as one job: there is no other that could run beside it';
    return { wrong: { code: 'ALWAYS_INVALID', path: ['concurrency'], message, next: 'leave `concurrency` out' } };
  }
  return { always: true };
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

function wrongBeside(beside: string, isOfFile: boolean): ValueProblem {
  return {
    code: 'ALWAYS_INVALID',
    path: [isOfFile ? beside : 'always'],
    message: `it runs always, from the start of the host on: \`${beside}\` beside it would never give it a job`,
    next: `leave \`${beside}\` out, or write \`always: false\``,
  };
}
