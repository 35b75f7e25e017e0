import type { AgentView, IncidentView, StatusView } from '../../control/protocol.ts';
import { isAlarming, needsSomebody } from '../../control/words/agent.ts';
import type { PlainFault } from '../../kernel/fault.ts';

/** A matter that waits for a person, worst first in every list of them. */
export type Need =
  | { is: 'incident'; incident: IncidentView; agent: AgentView | undefined }
  | { is: 'agent'; agent: AgentView }
  | { is: 'dead letters'; agent: AgentView }
  | { is: 'problem'; fault: PlainFault };

const ORDER: Record<Need['is'], number> = { incident: 0, agent: 1, problem: 2, 'dead letters': 3 };

/**
 * All that waits for a person. An agent with an open incident is told of once, by its incident; an incident with a muted cause
 * waits for nobody.
 */
export function needsOf(status: StatusView, unended: readonly IncidentView[]): Need[] {
  const open = unended.filter(({ mutedUntil }) => !mutedUntil);
  const byName = new Map(status.agents.map((agent) => [agent.name, agent]));
  const needs: Need[] = open.map((incident) => ({
    is: 'incident',
    incident,
    agent: incident.agent === null ? undefined : byName.get(incident.agent),
  }));
  const covered = new Set(open.map(({ agent }) => agent));
  for (const agent of status.agents) {
    if ((isAlarming(agent) && !covered.has(agent.name)) || agent.problem) needs.push({ is: 'agent', agent });
    // A failed agent is told of with its dead letters.
    else if (agent.dead > 0) needs.push({ is: 'dead letters', agent });
  }
  const ofAgents = new Set(status.agents.map(({ problem }) => problem?.message));
  for (const fault of status.problems)
    if (needsSomebody(fault.code) && !ofAgents.has(fault.message)) needs.push({ is: 'problem', fault });
  return needs.sort((one, other) => ORDER[one.is] - ORDER[other.is]);
}
