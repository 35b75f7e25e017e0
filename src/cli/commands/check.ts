import type { Said, Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';

/** What is wrong with the files of plugins and agents; exit code 3 when anything is. */
export async function run(stage: Stage): Promise<Said> {
  const answer = await stage.ask('check', {}, 60_000);
  const { agents, problems } = answer;
  const lines = problems.flatMap((problem) => [...faultLines(problem, stage.paint), '']);
  const total = `${agents.length} ${agents.length === 1 ? 'agent' : 'agents'}`;
  lines.push(
    problems.length === 0
      ? `${stage.paint('green', '✓')} ${total}, nothing wrong`
      : `${total}, ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}; what ran before goes on running`,
  );
  return { json: answer, lines, code: problems.length > 0 ? 3 : 0 };
}
