import type { JobView } from '../../control/protocol.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { numberOf, sinceTime, unknownAgent, wordOf } from '../given.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { jobLines, jobTable } from '../text/job.ts';

export interface JobsCommandOptions {
  state?: string;
  since?: string;
  cause?: string;
  limit: string;
  drills?: boolean;
}

const LIKE_AN_ID = /^job-[0-9a-z]+$/;
const STATES = ['queued', 'running', 'retrying', 'done', 'dead', 'cancelled'] as const;

/** Jobs, newest first; or one in full, when what is named is a job. */
export async function run(
  stage: Stage,
  [named]: (string | undefined)[],
  options: JobsCommandOptions,
): Promise<CommandResult> {
  const states = options.state
    ?.split(',')
    .map((state) => wordOf(state.trim(), STATES, 'state of a job', 'daruma jobs --state'));
  const limit = numberOf(options.limit, BOUNDS.rows, '--limit');
  const since = options.since === undefined ? undefined : sinceTime(stage, options.since, 'jobs');
  if (named !== undefined) {
    const job = await oneJob(stage, named);
    if (job) return { json: job.value, lines: jobLines(job.value, stage), ...(job.down ? { code: 4 } : {}) };
  }
  const asked = stage.askAnyway('jobs', {
    limit,
    agent: named,
    states,
    drills: options.drills,
    since: since === undefined ? undefined : isoOf(since),
    cause: options.cause,
  });
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
