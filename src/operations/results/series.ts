import * as z from 'zod';
import { ms, time } from './fields.ts';

export const seriesResult = z
  .strictObject({
    from: time().describe('The begin of a whole minute, hour or day, UTC.'),
    to: time(),
    stepMs: ms().describe('The distance of the points: a minute (up to 3 hours), an hour (up to 14 days), a day.'),
    series: z
      .array(
        z.strictObject({
          agent: z.string().nullable().describe('null: the host.'),
          name: z.string(),
          labels: z.record(z.string(), z.string()),
          kind: z.enum(['counter', 'gauge', 'histogram']),
          unit: z.enum(['', 'ms', 'bytes', '%', '$']),
          now: z
            .number()
            .nullable()
            .describe(
              'Of the step that ends now: the sum of a counter, the mean of a gauge, the P95 of a histogram; null: nothing.',
            ),
          usual: z.number().nullable().describe('The median of the steps before, of those with a value.'),
          points: z
            .array(z.strictObject({ at: time(), value: z.number() }))
            .describe('Steps with a value, oldest first; the last of them goes on.'),
        }),
      )
      .describe('By name and labels.'),
  })
  .meta({ id: 'Series', description: 'What the meter measured of an agent, or of the host.' });

export type SeriesView = z.infer<typeof seriesResult>;
