import { codeOf, countNoun, isDry, jobsMeant, MANY_WITHIN_MS, type ManyOptions, plan } from '../many.ts';
import type { CommandResult, Stage } from '../ports.ts';

const WORDS = { what: 'would drop', none: 'dead letters', command: 'dlq drop' };

/** Takes dead jobs out of the dead letters for good. Many want `--yes`: otherwise it only says what it would do. */
export async function run(stage: Stage, [id]: (string | undefined)[], options: ManyOptions): Promise<CommandResult> {
  const which = jobsMeant(id, options, 'dlq drop', ['dead']);
  const dryRun = isDry(id, options);
  const answer = await stage.ask('drop', { ...which, dryRun }, MANY_WITHIN_MS);
  const lines =
    dryRun || answer.count === 0
      ? plan(stage, options, answer, WORDS)
      : [`${stage.paint('green', '✓')} ${countNoun(answer)} dropped`];
  return { json: answer, lines, code: codeOf(answer, dryRun, options) };
}
