import * as z from 'zod';
import { BOUNDS } from '../kernel/bounds.ts';
import { anyJobStates, countArgument, flag, instant, limit, name, text } from './arguments.ts';
import type { Operation } from './operation.ts';

const batchResults = () => import('./results/batch.ts');

/** The arguments that say which jobs a batch is about, the same for its plan and its start. */
const JOBS = {
  act: z.enum(['replay', 'drop', 'cancel'], { error: 'is not one of replay, drop, cancel' }),
  ids: z
    .array(name(), { error: 'is no list of ids' })
    .min(1)
    .max(BOUNDS.rows.most, { error: `has more than ${BOUNDS.rows.most} ids` })
    .optional()
    .describe('These jobs; else all that match the other arguments.'),
  agent: name().optional().describe('Only jobs of one agent.'),
  cause: name().optional().describe('Only jobs of one cause.'),
  states: anyJobStates()
    .optional()
    .describe('Only jobs in these states. Default: dead for replay and drop; queued, retrying, running for cancel.'),
  since: instant().optional().describe('Only jobs that were queued then or later.'),
  text: text(200).optional().describe('Only jobs with the text in their input or error, among the newest 20,000.'),
  stale: flag().describe(
    'A replay also of jobs that are of no use any more (limits.staleAfter); else they are dropped.',
  ),
};

/** Operations on batches: acts on many jobs that go on in the background. */
export const BATCH_OPERATIONS = {
  batchPlan: {
    kind: 'read',
    role: 'reader',
    about: 'What a batch would do: how many jobs match now, and the first of them.',
    args: z.strictObject(JOBS),
    result: async () => (await batchResults()).batchPlanResult,
  },
  batchStart: {
    kind: 'act',
    role: 'operator',
    about: 'Replays, drops or cancels many jobs in the background; the jobs are those that match when it begins.',
    args: z.strictObject({
      ...JOBS,
      reason: text(1_000).optional().describe('Why they are dropped or cancelled: each of the jobs keeps it.'),
      most: countArgument(BOUNDS.batch)
        .optional()
        .describe('The number that was shown: refused when more jobs match by now.'),
    }),
    result: async () => (await batchResults()).batchResult,
  },
  batches: {
    kind: 'read',
    role: 'reader',
    about: 'Batches, newest first.',
    args: z.strictObject({ limit: limit() }),
    options: { limit: '--limit <n>' },
    result: async () => z.array((await batchResults()).batchResult),
  },
  batch: {
    kind: 'read',
    role: 'reader',
    about: 'How far a batch has come.',
    args: z.strictObject({ id: name() }),
    result: async () => (await batchResults()).batchResult,
  },
  batchItems: {
    kind: 'read',
    role: 'reader',
    about: 'The jobs of a batch with what came of each, oldest first.',
    args: z.strictObject({
      id: name(),
      result: z
        .enum(['done', 'stale', 'gone', 'failed'], { error: 'is not one of done, stale, gone, failed' })
        .optional()
        .describe('Only jobs with this result.'),
      after: name().optional().describe('Only jobs after this one: the way to the next page.'),
      limit: limit(),
    }),
    options: { result: '--result <result>', after: '--after <job>', limit: '--limit <n>' },
    result: async () => z.array((await batchResults()).batchItemResult),
  },
  batchCancel: {
    kind: 'act',
    role: 'operator',
    about: 'Ends a batch where it is: what it has done stays done.',
    args: z.strictObject({ id: name() }),
    result: async () => (await batchResults()).batchResult,
  },
} as const satisfies Record<string, Operation>;
