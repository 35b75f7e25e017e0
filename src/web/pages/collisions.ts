import { MINUTE_MS } from '../../kernel/measures.ts';

/** Agents that are planned for the same minute, at one or more times (epoch ms, oldest first). */
interface Collision {
  agents: string[];
  times: number[];
}

/** Agents of one minute, from so many on: two that meet are no crowd where there are many. */
const LEAST_AGENTS = 2;

/** The minutes for which several agents are planned, the most agents first; minutes with the same agents are one collision. */
export function collisionsOf(planned: readonly { agent: string; times: readonly number[] }[]): Collision[] {
  const byMinute = new Map<number, Set<string>>();
  for (const { agent, times } of planned) {
    for (const at of times) {
      const minute = at - (at % MINUTE_MS);
      byMinute.set(minute, (byMinute.get(minute) ?? new Set()).add(agent));
    }
  }
  const crowded = [...byMinute].filter(([, agents]) => agents.size >= LEAST_AGENTS).sort(([a], [b]) => a - b);
  const bySet = Map.groupBy(crowded, ([, agents]) => [...agents].sort().join(' '));
  return [...bySet]
    .map(([agents, minutes]) => ({ agents: agents.split(' '), times: minutes.map(([minute]) => minute) }))
    .sort((one, other) => other.agents.length - one.agents.length || one.times[0]! - other.times[0]!);
}
