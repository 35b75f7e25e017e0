import type { JobView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { unknownAgent } from '../given.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { jobLines, jobTable } from '../text/job.ts';

const LIKE_AN_ID = /^job-[0-9a-z]+$/;

/** Jobs, newest first; or one in full, when what is named is a job. */
export async function jobsCommand(
  stage: Stage,
  [named]: (string | undefined)[],
  options: Given,
): Promise<CommandResult> {
  const args = argumentsOf('jobs', options, { clock: stage.clock, command: 'jobs' });
  if (named !== undefined) {
    const job = await oneJob(stage, named);
    if (job) return { json: job.value, lines: jobLines(job.value, stage), ...(job.down ? { code: 4 } : {}) };
  }
  const asked = stage.askAnyway('jobs', { ...args, agent: named });
  const { value: jobs, down } = await asked.catch((thrown) => {
    // A name that looks like the id of a job was meant to be an id.
    const isNoAgent = thrown instanceof Fault && thrown.code === 'AGENT_UNKNOWN';
    throw isNoAgent && named !== undefined && LIKE_AN_ID.test(named) ? noSuchJob(named) : thrown;
  });
  if (jobs.length === 0 && named !== undefined) await mustBeAgent(stage, named);
  const lines = jobs.length > 0 ? jobTable(jobs, stage) : ['no jobs'];
  return { json: jobs, lines, ...(down ? { code: 4 } : {}) };
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

async function mustBeAgent(stage: Stage, name: string): Promise<void> {
  const { value } = await stage.askAnyway('status', {});
  const names = value.agents.map((agent) => agent.name);
  if (names.includes(name)) return;
  throw LIKE_AN_ID.test(name) ? noSuchJob(name) : unknownAgent(name, names, 'agent or job');
}

function noSuchJob(id: string): Fault {
  return new Fault({ code: 'JOB_UNKNOWN', message: `there is no job ${id}, or no more`, next: 'daruma jobs' });
}
