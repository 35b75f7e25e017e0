import { z } from 'zod';
import { BOUNDS } from '../kernel/bounds.ts';
import { anyJobStates, countArgument, flag, instant, jobStates, limit, name, payload } from './arguments.ts';
import type { Operation } from './operation.ts';

const jobResults = () => import('./results/job.ts');

/** Operations on jobs, slots and dead letters. */
export const JOB_OPERATIONS = {
  jobs: {
    kind: 'read',
    role: 'reader',
    about: 'Jobs, newest first.',
    args: z.strictObject({
      agent: name().optional(),
      states: anyJobStates().optional(),
      since: instant().optional(),
      cause: name().optional(),
      before: name().optional().describe('Only jobs that are older than this one: the way to the next page.'),
      limit: limit(),
      drills: flag().describe('Also jobs of drills, which are left out unless `agent` names an agent of a drill.'),
    }),
    result: async () => z.array((await jobResults()).jobResult),
  },
  job: {
    kind: 'read',
    role: 'reader',
    about: 'One job with each of its failed attempts.',
    args: z.strictObject({ id: name(), wait: flag().describe('Answers when the job has ended.') }),
    result: async () => (await jobResults()).jobResult,
  },
  run: {
    kind: 'act',
    role: 'operator',
    about: 'Puts one job in the queue; the times of the schedule stay as they are.',
    args: z.strictObject({
      agent: name(),
      input: payload().describe('What the job is given.'),
      wait: flag().describe('Answers when the job has ended.'),
      key: name().optional().describe('A second job of the agent with the same key is the first job.'),
      priority: countArgument(BOUNDS.priority).optional(),
      attempts: countArgument(BOUNDS.attempts).optional().describe('Left out: as many as the limits of the agent say.'),
    }),
    result: async () => (await jobResults()).runResult,
  },
  cancel: {
    kind: 'act',
    role: 'operator',
    about: 'Ends an unfinished job for good, a running attempt included.',
    args: z.strictObject({ id: name() }),
    result: async () => (await jobResults()).jobResult,
  },
  cancelMany: {
    kind: 'act',
    role: 'operator',
    about: 'Ends all unfinished jobs of an agent or a cause.',
    args: z.strictObject({
      agent: name().optional(),
      cause: name().optional(),
      states: jobStates(['queued', 'running', 'retrying']).optional().describe('Left out: all of them.'),
      dryRun: flag(),
    }),
    result: async () => (await jobResults()).manyOrPlanResult,
  },
  why: {
    kind: 'read',
    role: 'reader',
    about: 'Why an agent ran, or did not run, at a planned time.',
    args: z.strictObject({ agent: name(), at: instant().optional().describe('Left out: its newest slot.') }),
    result: async () => (await jobResults()).whyResult,
  },
  next: {
    kind: 'read',
    role: 'reader',
    about: 'The times at which the schedule of an agent will ask for jobs; none for an agent without a schedule.',
    args: z.strictObject({ agent: name(), n: countArgument(BOUNDS.times).default(5) }),
    result: async () => (await jobResults()).nextResult,
  },
  slots: {
    kind: 'read',
    role: 'reader',
    about: 'The slots of an agent, or of all agents, between two times.',
    args: z.strictObject({ agent: name().optional(), from: instant(), to: instant() }),
    result: async () => z.array((await jobResults()).slotResult),
  },
  dlq: {
    kind: 'read',
    role: 'reader',
    about: 'Dead letters, grouped by agent and cause.',
    args: z.strictObject({ drills: flag().describe('Also dead letters of drills.') }),
    result: async () => z.array((await jobResults()).deadGroupResult),
  },
  replay: {
    kind: 'act',
    role: 'operator',
    about: 'Runs a job that ended badly again, or all of an agent or a cause.',
    args: z.strictObject({
      id: name().optional(),
      cause: name().optional(),
      agent: name().optional(),
      states: jobStates(['dead', 'cancelled']).optional().describe('Left out: dead.'),
      dryRun: flag(),
    }),
    result: async () => (await jobResults()).manyOrPlanResult,
  },
  drop: {
    kind: 'act',
    role: 'operator',
    about: 'Gives up a dead job for good, or all of an agent or a cause.',
    args: z.strictObject({
      id: name().optional(),
      cause: name().optional(),
      agent: name().optional(),
      dryRun: flag(),
    }),
    result: async () => (await jobResults()).manyOrPlanResult,
  },
} as const satisfies Record<string, Operation>;
