import type { Said, Stage } from '../ports.ts';
import { codeOf, count, jobsMeant, type ManyOptions, orYes, plan } from './replay.ts';

/** Takes dead jobs out of the dead letters for good. All of a cause wants `--yes`: otherwise it only says what it would do. */
export async function run(stage: Stage, [id]: (string | undefined)[], options: ManyOptions): Promise<Said> {
  const which = jobsMeant(id, options, 'drop');
  const dryRun = options.dryRun === true || (id === undefined && !options.yes);
  // A replay that is only tried out names the same jobs.
  const answer = dryRun ? await stage.ask('replay', { ...which, dryRun }) : await stage.ask('drop', which);
  const lines = dryRun
    ? [
        ...plan('would drop', answer.jobs),
        ...orYes(stage, options, answer.jobs, `daruma dlq drop --cause ${options.cause}`),
      ]
    : [`${stage.paint('green', '✓')} ${count(answer.jobs)} dropped`];
  return { json: { jobs: answer.jobs, dryRun }, lines, code: codeOf(answer.jobs, dryRun, options) };
}
