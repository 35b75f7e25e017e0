import { needsYou } from '../../control/words/agent.ts';
import { unknownAgent } from '../given.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { statusLines } from '../text/status.ts';

/** The installation at a glance, or one agent in full; the last known state when the host is down. */
export async function statusCommand(stage: Stage, [agent]: Words): Promise<CommandResult> {
  const { value: status, down } = await stage.askAnyway('status', { agent });
  const code = down ? 4 : needsYou(status) ? 3 : 0;
  if (agent === undefined) return { json: status, lines: statusLines(status, stage), code };
  const found = status.agents.find(({ name }) => name === agent);
  if (!found)
    throw unknownAgent(
      agent,
      status.agents.map(({ name }) => name),
    );
  if (stage.json) return { json: { ...status, agents: [found] }, lines: [], code };
  const { agentLines, agentFacts } = await import('../text/agent.ts');
  return { json: null, lines: agentLines(found, await agentFacts(stage, agent, down), stage), code };
}
