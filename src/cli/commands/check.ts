import type { Ops } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { isInstallation } from '../folder.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';

/** Lists problems of the files of plugins and agents, host or no host; exit code 3 when there is any. */
export async function checkCommand(stage: Stage): Promise<CommandResult> {
  const { answer, down } = await presentFiles(stage);
  const { agents, problems, notes = [] } = answer;
  const lines = problems.flatMap((problem) => [...faultLines(problem, stage.paint), '']);
  lines.push(...notes.flatMap((note) => [...faultLines(note, stage.paint, '·'), '']));
  const total = `${agents.length} ${agents.length === 1 ? 'agent' : 'agents'}`;
  lines.push(
    problems.length === 0
      ? `${stage.paint('green', '✓')} ${total}, nothing wrong`
      : `${total}, ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}${down ? '' : '; what ran before goes on running'}`,
  );
  return { json: answer, lines, code: problems.length > 0 ? 3 : 0 };
}

async function presentFiles(stage: Stage): Promise<{ answer: Ops['check']['value']; down: boolean }> {
  try {
    return { answer: await stage.ask('check', {}, 60_000), down: false };
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.plain.code !== 'HOST_DOWN' || !isInstallation(stage.folder)) throw thrown;
    stage.note('the host is not running; the files were looked at without it');
    return { answer: await stage.launcher.check(stage.folder), down: true };
  }
}
