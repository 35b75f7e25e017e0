import * as z from 'zod';
import { countResult, time } from './fields.ts';

const act = z.enum(['replay', 'drop', 'cancel']);

export const batchPlanResult = z
  .strictObject({
    act,
    count: countResult().describe('Jobs that match now.'),
    stale: countResult().describe('Those of them that a replay drops, unless it is told to take them along.'),
    jobs: z.array(z.string()).max(1_000).describe('The first 1,000 ids.'),
  })
  .meta({ id: 'BatchPlan', description: 'What a batch would do, of which nothing is done.' });

export const batchResult = z
  .strictObject({
    id: z.string(),
    act,
    state: z
      .enum(['collecting', 'working', 'done', 'cancelled'])
      .describe('collecting: jobs that match are still looked for.'),
    startedAt: time(),
    endedAt: time().nullable(),
    total: countResult().describe('Its jobs; grows while it is collecting.'),
    done: countResult().describe('Jobs that were acted on.'),
    stale: countResult().describe('Jobs that were dropped instead of replayed: they were of no use any more.'),
    gone: countResult().describe('Jobs that were not what they were when the batch began.'),
    failed: countResult().describe('Jobs whose act was refused.'),
    left: countResult().describe('Jobs without a result.'),
    named: z.boolean().describe('Whether the jobs were named one by one.'),
    filter: z
      .strictObject({
        states: z.array(z.string()),
        agent: z.string().optional(),
        cause: z.string().optional(),
        since: time().optional(),
        text: z.string().optional(),
      })
      .describe('The jobs that were meant; of named jobs the states alone.'),
    reason: z.string().nullable(),
    withStale: z.boolean().describe('Whether a replay takes stale jobs along.'),
  })
  .meta({ id: 'Batch', description: 'An act on many jobs, in the background.' });

export const batchItemResult = z
  .strictObject({
    job: z.string(),
    result: z.enum(['done', 'stale', 'gone', 'failed']).nullable().describe('null: the batch has not come to it.'),
    why: z.string().nullable().describe('Why the result is not `done`.'),
    agent: z.string().nullable().describe('null: the job is not kept any more.'),
    state: z.string().nullable().describe('The state of the job now.'),
  })
  .meta({ id: 'BatchItem', description: 'A job of a batch.' });

export const batchInFullResult = batchResult.extend({ items: z.array(batchItemResult) }).meta({ id: 'BatchInFull' });

export type BatchView = z.infer<typeof batchResult>;
export type BatchItemView = z.infer<typeof batchItemResult>;
