import { given } from '../../kernel/given.ts';
import { labelsOf, mergeSeries, type SeriesValue } from '../../kernel/series.ts';
import { sketchCount, sketchCountUpTo } from '../../kernel/sketch.ts';
import { DURATION_BOUNDS, type MetricName } from '../../operations/metrics.ts';
import type { MetricsView } from '../../operations/results/metrics.ts';
import type { Meter } from '../../telemetry/meter/meter.ts';
import { OWN_PREFIX } from '../../telemetry/meter/series-table.ts';

/** A value of a metric of now, as Prometheus takes it. */
export type Sample = MetricsView['samples'][number];
type Histogram = SeriesValue & { kind: 'histogram' };

/** A sample; `part`: of a histogram. */
export function sample(
  metric: MetricName,
  value: number,
  labels: Record<string, string> = {},
  part?: Sample['part'],
): Sample {
  return { metric, labels, value, ...given({ part }) };
}

/** Series of the meter that are metrics as they are. */
const CALLS: Readonly<Record<string, MetricName>> = {
  calls: 'daruma_calls_total',
  'calls.retried': 'daruma_calls_retried_total',
  'calls.refused': 'daruma_calls_refused_total',
  'calls.saved': 'daruma_calls_saved_total',
};

/** Samples of an agent that the meter measured since the host started. */
export function measuredSamples(agent: string, meter: Pick<Meter, 'totals'>): Sample[] {
  const ends = { done: 0, dead: 0, retrying: 0 };
  const durations: Histogram = { kind: 'histogram', sum: 0, sketch: new Map() };
  const sums = { restarts: 0, cpu: 0 };
  const others: Sample[] = [];
  for (const { name, labels, value } of meter.totals(agent)) {
    if (name === 'attempts') ends[labelsOf(labels).outcome as keyof typeof ends] += value.sum;
    else if (name === 'duration') mergeSeries(durations, value);
    else if (name === 'restarts' || name === 'cpu') sums[name] = value.sum;
    else if (CALLS[name]) others.push(sample(CALLS[name], value.sum, { agent, ...labelsOf(labels) }));
    else if (name.startsWith(OWN_PREFIX)) others.push(...ownSamples(agent, name, labels, value));
  }
  return [
    sample('daruma_jobs_total', ends.done, { agent, outcome: 'done' }),
    sample('daruma_jobs_total', ends.dead, { agent, outcome: 'dead' }),
    sample('daruma_attempts_failed_total', ends.dead + ends.retrying, { agent }),
    sample('daruma_worker_ends_total', sums.restarts, { agent }),
    sample('daruma_agent_cpu_seconds_total', sums.cpu / 1_000, { agent }),
    ...histogramSamples('daruma_attempt_duration_seconds', durations, { agent }),
    ...others,
  ];
}

/** Samples that a plugin counts. The labels of its author have names of their own, so that none takes the place of ours. */
function ownSamples(agent: string, name: string, labels: string, value: SeriesValue): Sample[] {
  const own = Object.entries(labelsOf(labels)).map(([label, of]) => [`label_${label}`, of]);
  const of = { agent, name: name.slice(OWN_PREFIX.length), ...Object.fromEntries(own) };
  if (value.kind === 'counter') return [sample('daruma_context_count_total', value.sum, of)];
  if (value.kind === 'gauge') return [sample('daruma_context_level', value.last, of)];
  return histogramSamples('daruma_context_time_seconds', value, of);
}

/** Samples of the host that the meter measured and that has no other metric. */
export function measuredHostSamples(meter: Pick<Meter, 'totals'>): Sample[] {
  return [...meter.totals(null)].flatMap(({ name, labels, value }) => {
    if (name === 'store.latency' && value.kind === 'histogram')
      return histogramSamples('daruma_store_latency_seconds', value, {});
    if (name === 'pressure' && value.kind === 'gauge')
      return [sample('daruma_pressure_ratio', value.last / 100, labelsOf(labels))];
    return name === 'disk.free' && value.kind === 'gauge' ? [sample('daruma_disk_free_bytes', value.last)] : [];
  });
}

function histogramSamples(metric: MetricName, { sum, sketch }: Histogram, labels: Record<string, string>): Sample[] {
  const count = sketchCount(sketch);
  return [
    ...DURATION_BOUNDS.map((le) =>
      sample(metric, sketchCountUpTo(sketch, le * 1_000), { ...labels, le: `${le}` }, 'bucket'),
    ),
    sample(metric, count, { ...labels, le: '+Inf' }, 'bucket'),
    sample(metric, sum / 1_000, labels, 'sum'),
    sample(metric, count, labels, 'count'),
  ];
}
