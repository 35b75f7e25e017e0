import type { CommandResult, Stage } from '../ports.ts';
import { changedWords } from '../text/config.ts';

/** Ends the probation of config/daruma.yaml by hand: the settings that last worked are in force again. */
export async function run(stage: Stage): Promise<CommandResult> {
  const answer = await stage.ask('configRollback', {});
  const lines = [
    `${stage.paint('green', '✓')} the settings that last worked are in force again; not any more: ${changedWords(answer.changed)}`,
    `  ${stage.paint('cyan', '→')} mend config/daruma.yaml, or force it: daruma config force`,
  ];
  return { json: answer, lines };
}
