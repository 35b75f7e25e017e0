import * as z from 'zod';
import { countResult, ms, time } from './fields.ts';

const rungResult = z
  .strictObject({
    name: z.string(),
    model: z.string().nullable().describe('The model that is asked; null: none is known yet.'),
    state: z
      .enum(['ready', 'cooling', 'closed', 'off', 'down'])
      .describe(
        'ready: it is asked · cooling: its provider wants a pause · closed: shut for hours, a person has to look · off: its key is not set · down: its server gives no answer.',
      ),
    until: time().nullable().describe('When it is asked again; null: unknown, or nothing keeps it back.'),
    provenAt: time().nullable().describe('When the fallback drill last proved it.'),
    why: z.string().nullable().describe('What keeps it back, or is to be known of it.'),
  })
  .meta({ id: 'Rung', description: 'A provider of models in the chain.' });

export const chainResult = z
  .strictObject({
    pid: countResult(),
    port: countResult(),
    chain: z.array(rungResult),
  })
  .meta({ id: 'Models', description: 'The model gateway, and the rungs of the chain in order.' });

export const modelsResult = z
  .strictObject({
    gateway: z
      .strictObject({ pid: countResult(), port: countResult() })
      .nullable()
      .describe('null: no agent needs models, or the gateway does not listen.'),
    why: z.string().nullable().describe('Why no gateway listens; null where one does.'),
    chain: z.array(rungResult),
    calls: z
      .array(
        z.strictObject({
          rung: z.string(),
          verdict: z.string().describe('good, wait, next, closed, caller, unusable, unfit, gone.'),
          count: countResult(),
        }),
      )
      .describe('Tries of each rung since the host started, by what came of them.'),
    firstTokenMs: z
      .array(z.strictObject({ rung: z.string(), ms: ms() }))
      .describe('The mean time until the first token of good answers, by rung.'),
  })
  .meta({ id: 'ModelList', description: 'The chain of models, with what came of its calls.' });

export type RungView = z.infer<typeof rungResult>;
export type ModelsView = z.infer<typeof modelsResult>;
