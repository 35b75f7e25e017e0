import * as z from 'zod';
import { BOUNDS } from '../kernel/bounds.ts';
import { anyJobStates, countArgument, flag, instant, jobStates, limit, name, payload, text } from './arguments.ts';
import type { Operation } from './operation.ts';

const jobResults = () => import('./results/job.ts');

const MANY_OPTIONS = {
  agent: '--agent <agent>',
  cause: '--cause <cause>',
  since: '--since <time>',
  text: '--grep <text>',
  dryRun: '--dry-run',
};

/** The arguments by which `replay`, `drop` and `cancelMany` name many jobs. */
const MANY = {
  cause: name().optional().describe('Only jobs of one cause.'),
  agent: name().optional().describe('Only jobs of one agent.'),
  since: instant().optional().describe('Only jobs that were queued then or later.'),
  text: text(200).optional().describe('Only jobs with the text in their input or error, among the newest 20,000.'),
  dryRun: flag().describe('Only says what would be done.'),
};

/** Operations on jobs, slots and dead letters. */
export const JOB_OPERATIONS = {
  jobs: {
    kind: 'read',
    role: 'reader',
    about: 'Jobs, newest first.',
    args: z.strictObject({
      agent: name().optional(),
      states: anyJobStates().optional().describe('Only jobs in these states.'),
      since: instant().optional().describe('Only jobs that were queued then or later.'),
      cause: name().optional().describe('Only failures of one cause.'),
      text: text(200).optional().describe('Only jobs with the text in their input or error, among the newest 20,000.'),
      before: name().optional().describe('Only jobs that are older than this one: the way to the next page.'),
      limit: limit(),
      drills: flag().describe('Also jobs of drills. Left out unless `agent` names an agent of a drill.'),
    }),
    options: {
      states: '--state <state>',
      since: '--since <time>',
      cause: '--cause <cause>',
      text: '--grep <text>',
      limit: '--limit <n>',
      drills: '--drills',
    },
    result: async () => z.array((await jobResults()).jobResult),
  },
  job: {
    kind: 'read',
    role: 'reader',
    about: 'One job with each of its failed attempts.',
    args: z.strictObject({ id: name(), wait: flag().describe('Answers when the job has ended.') }),
    result: async () => (await jobResults()).jobResult,
  },
  holdUps: {
    kind: 'read',
    role: 'reader',
    about: 'Why jobs do not start, of those that wait; asked by pages whose lists come out of the store.',
    args: z.strictObject({ jobs: z.array(name()).max(1_000) }),
    result: async () => z.array((await jobResults()).jobHoldUpResult),
  },
  runs: {
    kind: 'read',
    role: 'reader',
    about: 'The newest jobs of each agent that have ended, in short.',
    args: z.strictObject({
      agent: name().optional().describe('Left out: every agent in force.'),
      limit: countArgument(BOUNDS.runs).default(50).describe('So many of each agent.'),
    }),
    result: async () => z.array((await jobResults()).agentRunsResult),
  },
  run: {
    kind: 'act',
    role: 'operator',
    about: 'Puts one job in the queue; the times of the schedule stay as they are.',
    args: z.strictObject({
      agent: name(),
      input: payload().describe('What the job is given (default: null).'),
      wait: flag().describe('Answers when the job has ended.'),
      key: name().optional().describe('A second job of the agent with the same key is the first job.'),
      priority: countArgument(BOUNDS.priority).optional(),
      attempts: countArgument(BOUNDS.attempts).optional().describe('Left out: as many as the limits of the agent say.'),
      debug: flag().describe('The agent logs at debug level until the job has ended.'),
    }),
    options: { input: '--input <json>', key: '--key <key>', debug: '--debug' },
    result: async () => (await jobResults()).runResult,
  },
  deliveries: {
    kind: 'read',
    role: 'reader',
    about:
      'What other programs delivered to agents with a webhook: the jobs of it, what was refused, what proved nothing.',
    args: z.strictObject({ agent: name().optional(), limit: limit() }),
    options: { limit: '--limit <n>' },
    result: async () => (await import('./results/delivery.ts')).deliveriesResult,
  },
  deliver: {
    kind: 'act',
    role: 'operator',
    about:
      'Gives an agent the delivery of an earlier job once more, as a new job; or a delivery that was refused, by its id.',
    args: z.strictObject({ job: name() }),
    result: async () => (await jobResults()).jobResult,
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
    about: 'Ends all unfinished jobs of an agent, a cause, a time or a text, as a batch; answers when it has ended.',
    args: z.strictObject({
      ...MANY,
      states: jobStates(['queued', 'retrying', 'running'])
        .optional()
        .describe('Only jobs in these states (default: all of them).'),
    }),
    options: { ...MANY_OPTIONS, states: '--state <state>' },
    result: async () => (await jobResults()).manyOrPlanResult,
  },
  why: {
    kind: 'read',
    role: 'reader',
    about: 'Why an agent ran, or did not run, at a planned time.',
    args: z.strictObject({
      agent: name(),
      at: instant().optional().describe('The planned time (default: its newest slot).'),
    }),
    options: { at: '--at <time>' },
    result: async () => (await jobResults()).whyResult,
  },
  next: {
    kind: 'read',
    role: 'reader',
    about: 'The times at which the schedule of an agent will ask for jobs; none for an agent without a schedule.',
    args: z.strictObject({ agent: name(), n: countArgument(BOUNDS.times).default(5).describe('So many times.') }),
    options: { n: '-n, --times <n>' },
    result: async () => (await jobResults()).nextResult,
  },
  slots: {
    kind: 'read',
    role: 'reader',
    about: 'The slots of an agent, or of all agents, between two times; at most 10,000.',
    args: z.strictObject({
      agent: name().optional(),
      from: instant(),
      to: instant(),
      states: slotStates().optional().describe('Only slots in these states.'),
    }),
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
    about:
      'Runs a job that ended badly again, or all of an agent, a cause, a time or a text, as a batch; answers when it has ended.',
    args: z.strictObject({
      id: name().optional(),
      debug: flag().describe('One job alone: its agent logs at debug level until the job has ended.'),
      ...MANY,
      states: jobStates(['dead', 'cancelled']).optional().describe('Only jobs in these states (default: dead).'),
      stale: flag().describe('Also jobs that are of no use any more (limits.staleAfter); else these are dropped.'),
    }),
    options: { ...MANY_OPTIONS, states: '--state <state>', stale: '--stale', debug: '--debug' },
    result: async () => (await jobResults()).manyOrPlanResult,
  },
  drop: {
    kind: 'act',
    role: 'operator',
    about:
      'Gives up a dead job for good, or all of an agent, a cause, a time or a text, as a batch; answers when it has ended.',
    args: z.strictObject({
      id: name().optional(),
      ...MANY,
      reason: text(1_000).optional().describe('Why: each of the jobs keeps it.'),
    }),
    options: { ...MANY_OPTIONS, reason: '--reason <text>' },
    result: async () => (await jobResults()).manyOrPlanResult,
  },
} as const satisfies Record<string, Operation>;

/** States of slots. */
function slotStates() {
  const among = ['planned', 'ran', 'skipped', 'missed', 'caught-up', 'cancelled'] as const;
  return z
    .array(z.enum(among, { error: 'is no state of a slot' }), { error: 'is no list of states' })
    .min(1)
    .max(6);
}
