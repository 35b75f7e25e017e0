import { given } from '../../kernel/given.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { learnedLines } from '../text/learned.ts';
import { readInput } from './run.ts';

const REAL_EFFECTS = 'requests, commands and files of this run happen; state, sends and events do not';

/** Runs an agent to see what it uses, and shows the needs to paste. Not a terminal: wants `--yes`. Exit code 1 when the run failed. */
export async function learnCommand(
  stage: Stage,
  [agent]: Words,
  { yes, ...options }: { input?: string; yes?: boolean },
): Promise<CommandResult> {
  const input = readInput(options, `learn ${agent}`);
  if (!yes && !process.stdin.isTTY) {
    const lines = [
      `would run ${agent}: ${REAL_EFFECTS}`,
      `  not done; ${stage.paint('cyan', '→')} daruma learn ${agent} --yes`,
    ];
    return { json: { done: false, agent }, lines, code: 1 };
  }
  if (!stage.json)
    stage.note(stage.paintNote('dim', `runs ${agent}, and again for as long as files are refused: ${REAL_EFFECTS}`));
  const answer = await stage.ask('learn', { agent: agent!, ...given({ input }) });
  return { json: answer, lines: learnedLines(answer, stage), code: answer.state === 'done' ? 0 : 1 };
}
