import { z } from 'zod';
import { countResult, time } from './fields.ts';

export const deliveryResult = z
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
        }),
      )
      .describe('Deliveries that proved nothing, counted since the host started; nothing of them is kept.'),
  })
  .meta({ id: 'Deliveries' });

export type DeliveriesView = z.infer<typeof deliveriesResult>;
