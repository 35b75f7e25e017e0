import type { Said, Stage } from '../ports.ts';

/** Ends an unfinished job for good; a running attempt is aborted. */
export async function run(stage: Stage, [id]: (string | undefined)[]): Promise<Said> {
  const job = await stage.ask('cancel', { id: id! });
  return { json: job, lines: [`${stage.paint('green', '✓')} ${job.id} of ${job.agent} is ${job.state}`] };
}
