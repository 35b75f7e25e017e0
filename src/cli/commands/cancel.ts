import { codeOf, countNoun, isDry, jobsMeant, MANY_WITHIN_MS, type ManyOptions, plan } from '../many.ts';
import type { CommandResult, Stage } from '../ports.ts';

const STATES = ['queued', 'retrying', 'running'] as const;
const WORDS = { what: 'would be cancelled', none: 'unfinished jobs', command: 'cancel' };

/** Ends unfinished jobs for good, running attempts included. All of an agent or a cause want `--yes`: otherwise it only says what it would do. */
export async function run(stage: Stage, [id]: (string | undefined)[], options: ManyOptions): Promise<CommandResult> {
  const which = jobsMeant(id, options, 'cancel', STATES);
  if ('id' in which) {
    const job = await stage.ask('cancel', which);
    return { json: job, lines: [`${stage.paint('green', '✓')} ${job.id} of ${job.agent} is ${job.state}`] };
  }
  const dryRun = isDry(id, options);
  const answer = await stage.ask('cancelMany', { ...which, dryRun }, MANY_WITHIN_MS);
  const isPlan = dryRun || answer.count === 0;
  const lines = isPlan
    ? plan(stage, options, answer, WORDS)
    : [`${stage.paint('green', '✓')} ${countNoun(answer)} cancelled`];
  return { json: answer, lines, code: codeOf(answer, dryRun, options) };
}
