import type { CommandResult, Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';
import { jobTable } from '../text/job.ts';

const MOST = 100;

/** The dead jobs of one cause, newest first, and the newest one's failure with its place. */
export async function run(stage: Stage, [cause]: (string | undefined)[]): Promise<CommandResult> {
  const { value: jobs, down } = await stage.askAnyway('jobs', { states: ['dead'], cause: cause!, limit: MOST });
  if (jobs.length === 0) return { json: jobs, lines: ['no dead letters of that cause'], code: down ? 4 : 1 };
  const lines = jobTable(jobs, stage);
  const error = jobs[0]!.error;
  if (error) lines.push('', ...faultLines(error, stage.paint));
  lines.push(
    `  ${stage.paint('cyan', '→')} daruma replay --cause ${cause} --dry-run   daruma dlq drop --cause ${cause}`,
  );
  return { json: jobs, lines, code: down ? 4 : 3 };
}
