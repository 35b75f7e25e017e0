import type { AgentView } from '../../control/protocol.ts';
import { unknownAgent } from '../given.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { inputWords } from '../text/agent.ts';
import { signOf } from '../text/paint.ts';
import { type Row, table } from '../text/table.ts';
import { oneLine, pad, wrap } from '../text/width.ts';

/** Lists agents with their purpose and plugin; or shows an agent, with what its jobs may be given. */
export async function agentsCommand(stage: Stage, [name]: (string | undefined)[]): Promise<CommandResult> {
  const { value: status, down } = await stage.askAnyway('status', {});
  const code = down ? { code: 4 } : {};
  if (name === undefined) return { json: status.agents, lines: agentTable(stage, status.agents), ...code };
  const agent = status.agents.find((one) => one.name === name);
  if (agent) return { json: agent, lines: agentLines(stage, agent), ...code };
  throw unknownAgent(
    name,
    status.agents.map((one) => one.name),
  );
}

function agentTable({ paint, width }: Stage, agents: AgentView[]): string[] {
  if (agents.length === 0) return ['no agents yet'];
  const columns = [
    { title: '' },
    { title: 'AGENT' },
    { title: 'PLUGIN', atLeast: 8 },
    { title: 'SCHEDULE', atLeast: 9 },
    { title: 'ABOUT', atLeast: 20 },
  ];
  const rows = agents.map((agent): Row => {
    const { sign, style } = signOf(agent.state);
    return {
      cells: [
        { text: sign, paint: (text) => paint(style, text) },
        agent.name,
        agent.plugin,
        agent.schedule ?? '–',
        oneLine(agent.about),
      ],
    };
  });
  return table(columns, rows, width, (text) => paint('dim', text));
}

function agentLines({ paint, width }: Stage, agent: AgentView): string[] {
  const { sign, style } = signOf(agent.state);
  const lines = [`${paint(style, sign)} ${paint('bold', agent.name)}`];
  const say = (word: string, text: string) => {
    const [first, ...rest] = wrap(oneLine(text), width - 13);
    lines.push(`  ${pad(word, 10)} ${first}`, ...rest.map((line) => `${' '.repeat(13)}${line}`));
  };
  say('about', agent.about || '–');
  say('plugin', agent.plugin);
  say('schedule', agent.schedule ? `${agent.schedule} · ${agent.timezone ?? ''}` : 'none');
  say('input', inputWords(agent));
  lines.push('', `  ${paint('cyan', '→')} daruma status ${agent.name}   daruma run ${agent.name}${runWords(agent)}`);
  return lines;
}

function runWords({ input }: AgentView): string {
  const schema = input?.schema as { required?: string[] } | undefined;
  return (schema?.required ?? []).map((field) => ` --with ${field}=…`).join('');
}
