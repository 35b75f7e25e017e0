import { z } from 'zod';
import { faultResult } from './fault.ts';
import { countResult, json, ms, time } from './fields.ts';

const effect = z
  .strictObject({
    kind: z.string().describe('once, send, emit, exec, fetch, state.set or state.delete.'),
    what: z.string().describe('The key of an effect, the name of an agent, or as: POST https://…'),
    is: z
      .enum(['answered', 'captured', 'refused'])
      .describe(
        'answered: as recorded, or by a request that changes nothing · captured: noted and not done · refused: the attempt was told no.',
      ),
    data: json().optional(),
  })
  .meta({ id: 'RehearsedEffect', description: 'What a rehearsed attempt wanted of the world.' });

const side = z
  .strictObject({
    version: z.string().nullable(),
    state: z.enum(['done', 'failed']),
    result: json(),
    summary: z.string().nullable(),
    error: faultResult.nullable(),
    durationMs: ms().nullable(),
    effects: z
      .array(effect)
      .nullable()
      .describe('The first 100, in order; null: the record of the job, which holds none.'),
    refused: countResult().describe('How many of all effects were refused.'),
    logs: z.array(z.strictObject({ level: z.string(), message: z.string() })),
  })
  .meta({ id: 'RehearsalSide', description: 'How one run of a job went.' });

export const rehearsedItem = z
  .strictObject({
    job: z.string(),
    agent: z.string(),
    is: z
      .enum(['same', 'differs', 'mended', 'fails', 'both-fail', 'unclear'])
      .describe(
        'mended: only the new version is done · fails: only the old version is done · unclear: something was refused.',
      ),
    startedAt: time().describe('When the recorded attempt began.'),
    input: json(),
    old: side,
    new: side,
    differences: z
      .array(z.strictObject({ path: z.string(), is: z.string(), before: json().optional(), after: json().optional() }))
      .describe('Places in which the results differ, the first 50 of `differing`.'),
    differing: countResult(),
  })
  .meta({ id: 'Rehearsed', description: 'A recorded job, and what a new version makes of its input.' });

export const rehearsalResult = z
  .strictObject({
    agents: z.array(
      z.strictObject({
        agent: z.string(),
        version: z.string(),
        against: z.string().nullable().describe('The version that was run beside; null: the record.'),
        file: z.string().nullable().describe('The file of which the new version was made.'),
      }),
    ),
    live: z.boolean().describe('Whether GET and HEAD went out.'),
    jobs: z.array(rehearsedItem),
  })
  .meta({ id: 'Rehearsal' });

export type RehearsedEffect = z.infer<typeof effect>;
export type RehearsalSide = z.infer<typeof side>;
export type RehearsedView = z.infer<typeof rehearsedItem>;
export type RehearsalView = z.infer<typeof rehearsalResult>;
