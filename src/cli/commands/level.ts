import { LOG_LEVELS } from '../../kernel/log.ts';
import { wordOf } from '../given.ts';
import type { CommandResult, Stage } from '../ports.ts';

/** Sets what an agent may log, at once and without a restart. */
export async function run(stage: Stage, [agent, level]: (string | undefined)[]): Promise<CommandResult> {
  const word = wordOf(level!, LOG_LEVELS, 'level', `daruma level ${agent}`);
  const answer = await stage.ask('level', { agent: agent!, level: word });
  const line = `${stage.paint('green', '✓')} ${answer.agent} logs from ${answer.level}        daruma logs ${answer.agent} -f`;
  return { json: answer, lines: [line] };
}
