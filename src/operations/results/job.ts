import * as z from 'zod';
import { LOG_LEVELS } from '../../kernel/log.ts';
import { countResult, faultResult, json, ms, time } from './fields.ts';

export const holdUpResult = z
  .strictObject({
    is: z
      .enum([
        'paused',
        'held',
        'quarantined',
        'off',
        'setup',
        'origin',
        'limit',
        'debounce',
        'deferred',
        'room',
        'workers',
      ])
      .describe(
        'paused: by a person · held: safe mode · off: its agent is no more · setup: its agent needs setup · origin: a server is down · limit: others of its key have its turn · debounce: more may be sent that it would take over · deferred: the machine is short · room: the host has as many workers as it may · workers: all workers of its agent are at work.',
      ),
    text: z.string().describe('One sentence without times.'),
    until: time().nullable().describe('When the hold-up is over, or looked at again; null: nobody knows.'),
    next: z.string().nullable().describe('What a person can type to end the hold-up.'),
  })
  .meta({ id: 'HoldUp', description: 'Why a job that waits does not start.' });

export const jobHoldUpResult = z
  .strictObject({ job: z.string(), holdUp: holdUpResult })
  .meta({ id: 'JobHoldUp', description: 'A job that waits, and why.' });

const failure = z.strictObject({
  attempt: countResult(),
  startedAt: time(),
  finishedAt: time(),
  worker: z.string().nullable(),
  error: faultResult,
  lines: z
    .array(z.strictObject({ at: time(), level: z.enum(LOG_LEVELS), message: z.string() }))
    .optional()
    .describe('The last lines that the job logged: at most 20, kept as long as the job.'),
});

export const jobResult = z
  .strictObject({
    id: z.string(),
    agent: z.string(),
    version: z.string().nullable().describe('The version that ran the latest attempt; null before the first.'),
    state: z.enum(['queued', 'running', 'retrying', 'done', 'dead', 'cancelled']),
    trigger: z.enum(['schedule', 'manual', 'send', 'event', 'webhook', 'always', 'replay']),
    attempt: countResult().describe('The number of the latest attempt; 0 before the first.'),
    attempts: countResult().describe('The most attempts that the job gets.'),
    slot: time().nullable(),
    key: z.string().nullable(),
    priority: z.int(),
    queuedAt: time(),
    runAt: time(),
    startedAt: time().nullable(),
    finishedAt: time().nullable(),
    durationMs: ms().nullable(),
    input: json(),
    result: json(),
    summary: z.string().nullable(),
    error: faultResult.nullable(),
    cause: z.string().nullable(),
    waitsFor: z
      .string()
      .nullable()
      .optional()
      .describe(
        'What holds a retrying job up: a server as https://api.example, the chain of models or a budget of models. No attempt is lost.',
      ),
    waits: countResult()
      .optional()
      .describe('How often in a row the plugin of a retrying job asked to be tried later (RetryLater).'),
    madeBy: z.string().nullable().optional().describe('The job that made this job by a send or an emit.'),
    hops: countResult().optional().describe('Hops from the job that no job made.'),
    holdUp: holdUpResult
      .nullable()
      .optional()
      .describe(
        'Why the job does not start; null: nothing but its own time or a free worker. Left out while the host is down.',
      ),
    failures: z.array(failure).optional().describe('Every failed attempt; only in `job`.'),
  })
  .meta({ id: 'Job' });

export const usedKeyResult = z
  .strictObject({ since: time(), state: z.string(), sameInput: z.boolean() })
  .meta({ id: 'UsedKey', description: 'The job that has the key already: nothing was queued.' });

export const runResult = jobResult.extend({ usedKey: usedKeyResult.nullable().optional() }).meta({ id: 'RunJob' });

export const manyResult = z
  .strictObject({
    count: countResult(),
    jobs: z.array(z.string()).max(1_000).describe('The first 1,000 ids.'),
  })
  .meta({ id: 'Many', description: 'Jobs to which something was, or would be, done.' });

export const manyOrPlanResult = manyResult
  .extend({
    dryRun: z.boolean(),
    batch: z.string().optional().describe('The batch that did it; left out for one job, and where nothing was done.'),
    stale: countResult().optional().describe('Jobs that were, or would be, dropped instead of replayed.'),
    gone: countResult().optional().describe('Jobs that were not what they were when the batch began.'),
    failed: countResult().optional().describe('Jobs whose act was refused.'),
  })
  .meta({ id: 'ManyOrPlan' });

export const deadGroupResult = z
  .strictObject({
    cause: z.string(),
    agent: z.string(),
    count: countResult(),
    firstAt: time(),
    lastAt: time(),
    example: jobResult.describe('The newest.'),
  })
  .meta({ id: 'DeadGroup', description: 'Dead letters of one agent and cause.' });

export const slotResult = z
  .strictObject({
    agent: z.string(),
    due: time(),
    state: z.string(),
    reason: z.string().nullable(),
    job: z.string().nullable(),
  })
  .meta({ id: 'Slot' });

export const agentRunsResult = z
  .strictObject({
    agent: z.string(),
    runs: z
      .array(
        z.strictObject({
          job: z.string(),
          state: z.enum(['done', 'dead']),
          attempt: countResult().describe('How many attempts it took.'),
          finishedAt: time(),
          durationMs: ms().describe('Of the last attempt.'),
        }),
      )
      .describe('Oldest first.'),
  })
  .meta({ id: 'AgentRuns', description: 'The newest jobs of an agent that have ended.' });

export type HoldUpView = z.infer<typeof holdUpResult>;
export type JobView = z.infer<typeof jobResult>;
export type UsedKeyView = z.infer<typeof usedKeyResult>;
export type ManyView = z.infer<typeof manyOrPlanResult>;

export const whyResult = z
  .strictObject({
    agent: z.string(),
    slot: time().nullable(),
    state: z.string(),
    steps: z.array(z.strictObject({ at: time(), what: z.string(), why: z.string().nullable() })),
    sentence: z.string(),
  })
  .meta({ id: 'Why', description: 'Why an agent ran, or did not run, at a planned time.' });

export const nextResult = z
  .strictObject({
    agent: z.string(),
    schedule: z.string().nullable(),
    timezone: z.string().nullable(),
    words: z.string().nullable().optional().describe('What the schedule will do, in words; null without a schedule.'),
    notes: z
      .array(z.string())
      .optional()
      .describe('Notes on parts of the schedule that a reader could take for something else.'),
    times: z.array(time()),
  })
  .meta({ id: 'Next', description: 'The times at which a schedule will ask for jobs.' });

export type WhyView = z.infer<typeof whyResult>;
