import { z } from 'zod';
import { countResult, ms } from './fields.ts';

export const drillResult = z
  .strictObject({
    name: z.string(),
    promise: z.string(),
    detectMs: ms().nullable().describe('From the fault until the host saw it; null when the host never did.'),
    repairMs: ms()
      .nullable()
      .describe(
        'From the fault until the job ran on a clean worker, or everything was cleared away; null: neither came.',
      ),
    promisedMs: ms(),
    lost: countResult().describe('Jobs that did not end as done.'),
    left: countResult().describe('Threads, processes and zombies that were left.'),
    seen: z.string().nullable().describe('The code of the fault, as the host recorded it.'),
    ok: z.boolean(),
    skipped: z
      .string()
      .optional()
      .describe('Why the machine cannot carry the drill; its promise is neither kept nor broken then.'),
  })
  .meta({ id: 'Drill', description: 'The result of a drill: the promise and the figures that were measured.' });

export type DrillView = z.infer<typeof drillResult>;
