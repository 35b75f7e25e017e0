import { z } from 'zod';
import { bytes, time } from './fields.ts';

export const workerResult = z
  .strictObject({
    worker: z.string(),
    agent: z.string(),
    version: z.string(),
    is: z.enum(['starting', 'idle', 'busy', 'draining', 'stopping']),
    job: z.string().nullable(),
    startedAt: time().nullable().describe('The start of its job.'),
    memoryBytes: bytes().nullable().describe('Heap and external memory; null before it was first measured.'),
  })
  .meta({ id: 'Worker', description: 'A worker that is there now.' });

export const guestsItem = z
  .strictObject({ agents: z.array(z.string()) })
  .meta({ id: 'Guests', description: 'The guest agents may be given jobs.' });

export type WorkerView = z.infer<typeof workerResult>;
