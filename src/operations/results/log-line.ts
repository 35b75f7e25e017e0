import { z } from 'zod';

export const logLineResult = z
  .looseObject({
    time: z.string(),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    msg: z.string(),
    agent: z.string().optional(),
    job: z.string().optional(),
    worker: z.string().optional(),
  })
  .meta({ id: 'LogLine', description: 'A line of a log, as it stands in the file, with all that was logged beside.' });

export type LogLine = z.infer<typeof logLineResult>;
