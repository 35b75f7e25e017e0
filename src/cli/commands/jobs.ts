import type { JobView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { expectAgent } from '../given.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { jobLines, jobTable } from '../text/job.ts';

const LIKE_AN_ID = /^job-[0-9a-z]+$/;

/** Jobs, newest first; or one in full, when what is named is a job. */
export async function jobsCommand(stage: Stage, [named]: Words, options: Given): Promise<CommandResult> {
  const args = argumentsOf('jobs', options, { clock: stage.clock, command: 'jobs' });
  if (named !== undefined) {
    const job = await oneJob(stage, named);
    if (job) return { json: job.value, lines: jobLines(job.value, stage), code: job.down ? 4 : 0 };
  }
  // A name that looks like the id of a job was meant to be an id.
  const asJob = (thrown: unknown): never => {
    const isNoAgent = thrown instanceof Fault && thrown.code === 'AGENT_UNKNOWN';
    throw isNoAgent && named !== undefined && LIKE_AN_ID.test(named) ? noSuchJob(named) : thrown;
  };
  const { value: jobs, down } = await stage.askAnyway('jobs', { ...args, agent: named }).catch(asJob);
  if (jobs.length === 0 && named !== undefined) await expectAgent(stage, named, 'agent or job').catch(asJob);
  const lines = jobs.length > 0 ? jobTable(jobs, stage) : ['no jobs'];
  return { json: jobs, lines, code: down ? 4 : 0 };
}

/** Undefined when there is no job of that id, so that it is taken for an agent's name. */
async function oneJob(stage: Stage, id: string): Promise<{ value: JobView; down: boolean } | undefined> {
  try {
    return await stage.askAnyway('job', { id });
  } catch (thrown) {
    if (thrown instanceof Fault && !thrown.plain.code.startsWith('HOST_')) return undefined;
    throw thrown;
  }
}

function noSuchJob(id: string): Fault {
  return new Fault({ code: 'JOB_UNKNOWN', message: `there is no job ${id}, or no more`, next: 'daruma jobs' });
}
