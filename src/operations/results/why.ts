import { z } from 'zod';
import { time } from './fields.ts';

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
    notes: z.array(z.string()).optional().describe('What a reader could take for something else.'),
    times: z.array(time()),
  })
  .meta({ id: 'Next', description: 'The times at which a schedule will ask for jobs.' });

export type WhyView = z.infer<typeof whyResult>;
