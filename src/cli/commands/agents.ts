import type { Said, Stage } from '../ports.ts';
import { signOf } from '../text/paint.ts';
import { type Row, table } from '../text/table.ts';
import { oneLine } from '../text/width.ts';

/** What each agent is for, and what it is made of. */
export async function run(stage: Stage): Promise<Said> {
  const { value: status, down } = await stage.askAnyway('status', {});
  const columns = [
    { title: '' },
    { title: 'AGENT' },
    { title: 'PLUGIN', atLeast: 8, drop: 1 },
    { title: 'SCHEDULE', atLeast: 9, drop: 2 },
    { title: 'ABOUT', atLeast: 20 },
  ];
  const rows = status.agents.map((agent): Row => {
    const { sign, style } = signOf(agent.state);
    return {
      cells: [
        { text: sign, paint: (text) => stage.paint(style, text) },
        agent.name,
        agent.plugin,
        agent.schedule ?? '–',
        oneLine(agent.about),
      ],
    };
  });
  const lines =
    rows.length > 0 ? table(columns, rows, stage.width, (text) => stage.paint('dim', text)) : ['no agents yet'];
  return { json: status.agents, lines, ...(down ? { code: 4 } : {}) };
}
