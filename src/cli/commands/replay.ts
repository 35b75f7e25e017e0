import { codeOf, countNoun, isDry, jobsMeant, MANY_WITHIN_MS, type ManyOptions, plan } from '../many.ts';
import type { CommandResult, Stage } from '../ports.ts';

const STATES = ['dead', 'cancelled'] as const;
const WORDS = { what: 'would run again', none: 'dead letters', command: 'replay' };

/** Puts one dead job back in the queue, or all of a cause or an agent. Many want `--yes`: otherwise it only says what it would do. */
export async function run(stage: Stage, [id]: (string | undefined)[], options: ManyOptions): Promise<CommandResult> {
  const which = jobsMeant(id, options, 'replay', STATES);
  const dryRun = isDry(id, options);
  const answer = await stage.ask('replay', { ...which, dryRun }, MANY_WITHIN_MS);
  const one = answer.jobs.length === 1 ? answer.jobs[0]! : '';
  const lines =
    dryRun || answer.count === 0
      ? plan(stage, options, answer, WORDS)
      : [`${stage.paint('green', '✓')} ${countNoun(answer)} in the queue again        daruma jobs ${one}`.trimEnd()];
  return { json: answer, lines, code: codeOf(answer, dryRun, options) };
}
