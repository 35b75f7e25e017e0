import * as z from 'zod';
import { METRICS, type MetricName } from '../metrics.ts';

const NAMES = Object.keys(METRICS) as [MetricName, ...MetricName[]];

export const metricsResult = z
  .strictObject({
    samples: z.array(
      z.strictObject({
        metric: z.enum(NAMES),
        part: z.enum(['bucket', 'sum', 'count']).optional().describe('Of a histogram.'),
        labels: z.record(z.string(), z.string()),
        value: z.number(),
      }),
    ),
  })
  .meta({ id: 'Metrics', description: 'Figures of now, as Prometheus takes them.' });

export type MetricsView = z.infer<typeof metricsResult>;
