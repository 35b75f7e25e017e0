import type { AgentView } from '../../control/protocol.ts';
import { inputWords } from '../../control/words/input.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { signOf } from '../../kernel/state-sign.ts';
import { unknownAgent } from '../given.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { commandFenceWords, fenceWords } from '../text/fence.ts';
import { type Row, table } from '../text/table.ts';
import { type Facts, factLines } from '../text/width.ts';

/** Lists agents with their purpose and plugin; or shows an agent, with what its jobs may be given. */
export async function agentsCommand(stage: Stage, [name]: Words): Promise<CommandResult> {
  const { value: status, down } = await stage.askAnyway('status', {});
  const code = down ? 4 : 0;
  if (name === undefined) return { json: status.agents, lines: agentTable(stage, status.agents), code };
  const agent = status.agents.find((one) => one.name === name);
  if (agent) return { json: agent, lines: agentLines(stage, agent), code };
  throw unknownAgent(
    name,
    status.agents.map((one) => one.name),
  );
}

function agentTable(stage: Stage, agents: AgentView[]): string[] {
  if (agents.length === 0) return ['no agents yet'];
  const columns = [
    '',
    'AGENT',
    { title: 'PLUGIN', atLeast: 8 },
    { title: 'SCHEDULE', atLeast: 9 },
    { title: 'ABOUT', atLeast: 20 },
  ];
  const rows = agents.map((agent): Row => {
    const { sign, style } = signOf(agent.state);
    return [[sign, style], agent.name, agent.plugin, agent.schedule ?? '–', oneLine(agent.about)];
  });
  return table(columns, rows, stage);
}

function agentLines({ paint, width }: Stage, agent: AgentView): string[] {
  const { sign, style } = signOf(agent.state);
  const facts: Facts = [
    ['about', agent.about || '–'],
    ['plugin', agent.plugin],
    ['schedule', agent.schedule ? `${agent.schedule} · ${agent.timezone ?? ''}` : 'none'],
    ['input', inputWords(agent)],
    ['cell', cellWords(agent)],
    ['commands', agent.commands ? commandFenceWords(agent.commands) : null],
  ];
  return [
    `${paint(style, sign)} ${paint('bold', agent.name)}`,
    ...factLines(facts, width),
    '',
    `  ${paint('cyan', '→')} daruma status ${agent.name}   daruma run ${agent.name}${runWords(agent)}`,
  ];
}

function cellWords({ cell, fence }: AgentView): string | null {
  if (cell === 'shared') return 'shared with agents that have no rights either';
  if (cell !== 'own') return null;
  return fence ? `its own: ${fenceWords(fence)}` : 'its own, while it works';
}

function runWords({ input }: AgentView): string {
  const schema = input?.schema as { required?: string[] } | undefined;
  return (schema?.required ?? []).map((field) => ` --with ${field}=…`).join('');
}
