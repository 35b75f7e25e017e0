import * as z from 'zod';
import { bytes, countResult, ms, time } from './fields.ts';

const sums = () => ({
  done: countResult().describe('Jobs.'),
  dead: countResult().describe('Jobs that gave up.'),
  failedAttempts: countResult(),
  uptime: z.number().min(0).max(1).nullable().describe('Jobs that were done, of those that ended; null: none did.'),
  errorRate: z.number().min(0).max(1).nullable().describe('Attempts that failed, of all.'),
  p50Ms: ms().nullable().describe('Of attempts that were done; within 2 %.'),
  p95Ms: ms().nullable(),
  p99Ms: ms().nullable(),
  lateP95Ms: ms().nullable().describe('From when a job was due until its first attempt was given out.'),
  lateMaxMs: ms().nullable(),
  memoryPeakBytes: bytes().nullable().describe('The most that one worker held.'),
});

export const trendsResult = z
  .strictObject({
    window: z.string(),
    from: time().describe('The begin of a whole minute, hour or day, UTC.'),
    to: time(),
    agents: z
      .array(
        z.strictObject({
          agent: z.string(),
          ...sums(),
          points: z
            .array(z.strictObject({ at: time(), ...sums() }))
            .optional()
            .describe(
              'Each minute (1h), hour (24h, 7d) or day (30d, 90d) in which something happened, oldest first; when asked for.',
            ),
        }),
      )
      .describe('Agents that did something in the window, by name.'),
  })
  .meta({ id: 'Trends', description: 'What agents did in a window of time.' });

export type TrendsView = z.infer<typeof trendsResult>;

export const hostLoadResult = z
  .strictObject({
    window: z.string(),
    from: time(),
    to: time(),
    stepMs: ms().describe('The distance of the points: 10 minutes (24h), an hour (7d), six hours (30d), a day (90d).'),
    points: z
      .array(
        z.strictObject({
          at: time(),
          workers: countResult(),
          busy: countResult().describe('Workers that ran a job.'),
          waiting: countResult().describe('Jobs that were queued or waited for another attempt.'),
        }),
      )
      .describe('The most of each step in which a host ran, oldest first.'),
  })
  .meta({ id: 'HostLoad', description: 'Workers and waiting jobs of a host over a window of time.' });

export type HostLoadView = z.infer<typeof hostLoadResult>;

export const warningResult = z
  .strictObject({
    fingerprint: z.string().describe('`memory:shop`, `disk:host`: at most one warning each.'),
    agent: z.string().nullable().describe('null: the host, or all agents together.'),
    quantity: z
      .enum(['memory', 'duration', 'errors', 'wait', 'disk', 'wal', 'logs', 'pool', 'spend', 'difference'])
      .describe('difference: memory of a version beside the version before it.'),
    word: z
      .enum(['rising', 'leaking', 'due'])
      .describe('rising: shown · leaking: told · due: acted on by healing, whose incident tells it.'),
    since: time(),
    text: z.string().describe('A sentence with the figures and the limit.'),
    next: z.string().describe('The next command or step.'),
    hitsAt: time().nullable().describe('When the limit is reached; null: not known, or there is none.'),
    culprit: z.string().optional().describe('What causes it, where that is known.'),
  })
  .meta({ id: 'Warning', description: 'A sign of trouble to come. A warning is no reason of health.' });

export type WarningView = z.infer<typeof warningResult>;
