import * as z from 'zod';
import { incidentResult } from './agent.ts';
import { billsResult } from './bill.ts';
import { bytes, countResult, ms, time } from './fields.ts';
import { warningResult } from './trends.ts';

const totals = () => ({
  done: countResult().describe('Jobs that were done in the period.'),
  dead: countResult().describe('Jobs that gave up in the period.'),
  success: z.number().min(0).max(1).nullable().describe('Of the jobs that ended; null: none did.'),
  failedAttempts: countResult(),
  restarts: countResult().describe('Workers that ended otherwise than by a drain.'),
  slotsKept: countResult(),
  slotsMissed: countResult(),
});

const agent = z.strictObject({
  name: z.string(),
  plugin: z.string(),
  state: z.string().describe('Now.'),
  why: z.string(),
  schedule: z.string().nullable(),
  done: countResult(),
  dead: countResult(),
  failedAttempts: countResult(),
  p50Ms: ms().nullable().describe('Of attempts that were done; for periods over two days within 2 %.'),
  p95Ms: ms().nullable(),
  p99Ms: ms().nullable(),
  restarts: countResult(),
  slotsKept: countResult(),
  slotsMissed: countResult(),
  slotsSkipped: countResult(),
  before: z
    .strictObject({ done: countResult(), dead: countResult(), p95Ms: ms().nullable() })
    .nullable()
    .describe('In the period before, of the same length; null: nothing ended then.'),
  strip: z
    .array(z.strictObject({ at: time(), done: countResult(), dead: countResult() }))
    .describe('Jobs that ended in the hours of the newest day or, of more than two days, in each day, oldest first.'),
  usualP95Ms: ms()
    .nullable()
    .describe('The median of the 95th percentiles of the seven days before the period; null: no job ended in them.'),
  memoryPeakBytes: bytes().nullable().describe('The most that one worker held in the period; null: not measured.'),
  memoryLimitBytes: bytes().nullable().describe('The limit of a worker; null: the agent is not in force.'),
});

export const reportResult = z
  .strictObject({
    from: time(),
    to: time(),
    agents: z.array(agent).describe('By name; drills are left out.'),
    hours: z.array(z.strictObject({ at: time(), done: countResult(), dead: countResult() })),
    failures: z
      .array(
        z.strictObject({
          job: z.string(),
          agent: z.string(),
          at: time(),
          error: z.string(),
          where: z.string().nullable(),
        }),
      )
      .describe('The newest of the period, at most 20.'),
    totals: z.strictObject(totals()),
    before: z.strictObject({ from: time(), ...totals() }).describe('The period before, of the same length.'),
    drills: z
      .array(
        z.strictObject({
          name: z.enum(['models', 'diagnosis']),
          at: time(),
          words: z.string().describe('chain proven 3 of 3; diagnosis drill: 4 of 6 right; …'),
          right: countResult(),
          of: countResult(),
        }),
      )
      .optional()
      .describe('The newest drill of each kind that asks models.'),
    warnings: z.array(warningResult).optional().describe('What rises or leaks now, the most certain first.'),
    open: z.array(incidentResult).describe('Incidents that have not ended now.'),
    healed: z.array(incidentResult).describe('Incidents that were healed in the period.'),
    bills: billsResult.optional().describe('What agents cost today and this month, as of now.'),
    dead: z
      .array(z.strictObject({ cause: z.string(), agent: z.string(), count: countResult(), message: z.string() }))
      .describe('Dead letters of now, by cause.'),
  })
  .meta({
    id: 'Report',
    description: 'What agents did in a period, beside the one before, and what is to be done now.',
  });

export type ReportView = z.infer<typeof reportResult>;
