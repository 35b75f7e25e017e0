import * as z from 'zod';
import { bytes, countResult, time } from './fields.ts';

const deliveryResult = z
  .strictObject({
    at: time(),
    agent: z.string(),
    is: z
      .enum(['queued', 'refused', 'answered'])
      .describe('answered: a ping, or the question whether somebody is there.'),
    event: z.string().nullable(),
    delivery: z.string().nullable().describe('The id that its sender gave it.'),
    job: z.string().nullable(),
    state: z.string().nullable().describe('The state of the job.'),
    reason: z.string().nullable().describe('Why it was refused.'),
    refusal: z.string().nullable().describe('The id of a refused delivery, which deliver takes in place of a job.'),
  })
  .meta({ id: 'Delivery', description: 'A delivery whose sender has proven who it is.' });

export const deliveriesResult = z
  .strictObject({
    deliveries: z.array(deliveryResult).describe('Newest first.'),
    unproven: z
      .array(
        z.strictObject({
          agent: z.string().nullable().describe('null: there is no agent of the name.'),
          reason: z.string(),
          count: countResult(),
          lastAt: time(),
          newest: z
            .array(z.strictObject({ at: time(), headers: z.record(z.string(), z.string()), bytes: bytes() }))
            .describe('Newest first, five at most: headers without signatures; their bodies are not kept.'),
        }),
      )
      .describe('Deliveries that proved nothing, counted since the host started.'),
  })
  .meta({ id: 'Deliveries' });

export type DeliveriesView = z.infer<typeof deliveriesResult>;
