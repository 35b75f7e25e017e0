import { z } from 'zod';
import { bytes, count, ms, time } from './fields.ts';

export const drillResult = z
  .strictObject({
    name: z.string(),
    promise: z.string(),
    detectMs: ms().nullable().describe('Counted from the fault.'),
    repairMs: ms().nullable().describe('Counted from the fault.'),
    promisedMs: ms(),
    lost: count(),
    left: count(),
    seen: z.string().nullable(),
    ok: z.boolean(),
    skipped: z
      .string()
      .optional()
      .describe('Why the machine cannot carry the drill; its promise is neither kept nor broken then.'),
  })
  .meta({ id: 'Drill', description: 'What came of a drill.' });

export const drillNewsItem = z
  .strictObject({
    drill: z.string(),
    at: time(),
    what: z.enum(['started', 'fault', 'seen', 'repaired', 'memory', 'done']),
    text: z.string(),
    memoryBytes: bytes().optional(),
  })
  .meta({ id: 'DrillNews', description: 'A step of a drill that is under way.' });

export type DrillView = z.infer<typeof drillResult>;
export type DrillNewsView = z.infer<typeof drillNewsItem>;
