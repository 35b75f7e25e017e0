import * as z from 'zod';
import { countResult, ms, time } from './fields.ts';

/** How the workers of an agent follow its load. */
const scalingResult = z
  .strictObject({
    target: countResult().describe('Workers that it may have now.'),
    busy: z.number().nullable().describe('Share of worker time of the last second that was at work, 0 to 1.'),
    queueWaitMs: ms().describe('How long the first due job has waited; 0 also where its workers have time left.'),
    cpu: z.number().nullable().describe('Share of a core that a worker used in the last second, as a mean.'),
    change: z
      .strictObject({
        at: time(),
        from: countResult(),
        to: countResult(),
        reason: z.enum(['high-load', 'low-load', 'pressure', 'file']),
        why: z.string(),
      })
      .nullable()
      .describe('The newest change since the host began.'),
  })
  .nullable()
  .optional()
  .describe('How its workers follow the load; null: its file leaves no choice, or no host is at work.');

/** The workers of an agent, as its status has them. */
export const agentWorkers = {
  workers: z.strictObject({ now: countResult(), min: countResult(), max: countResult() }),
  scaling: scalingResult,
  pools: z
    .strictObject({
      held: countResult().describe('Connections that jobs have, or that are being opened or closed.'),
      idle: countResult(),
      waiting: countResult().describe('Calls that wait for a connection.'),
      max: countResult(),
      takenBack: countResult().describe('Connections that jobs did not give back, since the workers began.'),
    })
    .nullable()
    .optional()
    .describe('Connections to PostgreSQL of all its workers; null: its plugin has made no pool.'),
};

/** The bound on the workers of all agents together. */
export const roomResult = z.strictObject({
  most: countResult().nullable().describe('Workers that there may be at once; null: no bound.'),
  waiting: z
    .array(z.strictObject({ agent: z.string(), forMs: ms() }))
    .describe('Agents that have due jobs and wait for a worker because of it.'),
});
