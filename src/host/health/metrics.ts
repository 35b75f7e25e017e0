import type { Amounts } from '../../gateway/models/spend.ts';
import { plus } from '../../gateway/models/spend-rules.ts';
import { given } from '../../kernel/given.ts';
import { dollarsOf } from '../../kernel/money.ts';
import { labelsOf, mergeSeries, type SeriesValue } from '../../kernel/series.ts';
import { sketchCount, sketchCountUpTo } from '../../kernel/sketch.ts';
import { DURATION_BOUNDS, type MetricName } from '../../operations/metrics.ts';
import type { HealthView } from '../../operations/results/health.ts';
import type { MetricsView } from '../../operations/results/metrics.ts';
import { logFiles } from '../../telemetry/log-files.ts';
import type { Meter } from '../../telemetry/meter/meter.ts';
import { OWN_PREFIX } from '../../telemetry/meter/series-table.ts';
import type { AgentStatus } from '../api/states.ts';
import type { HostContext } from '../host-context.ts';

/** A value of a metric of now, as Prometheus takes it. */
type Sample = MetricsView['samples'][number];
type Histogram = SeriesValue & { kind: 'histogram' };

/** Series of the meter that are metrics as they are. */
const CALLS: Readonly<Record<string, MetricName>> = {
  calls: 'daruma_calls_total',
  'calls.retried': 'daruma_calls_retried_total',
  'calls.refused': 'daruma_calls_refused_total',
  'calls.saved': 'daruma_calls_saved_total',
};

type MetricNeeds = Pick<
  HostContext,
  | 'time'
  | 'facts'
  | 'store'
  | 'states'
  | 'catalog'
  | 'workers'
  | 'healer'
  | 'journal'
  | 'lagMs'
  | 'meter'
  | 'hooks'
  | 'billing'
  | 'models'
>;

/** The number of agents in the metrics; agents beyond are in none: a collector of metrics keeps each series for weeks. */
const MOST_AGENTS = 500;

/** Answers the operation `metrics`. */
export function createMetrics(needs: MetricNeeds, health: () => Promise<HealthView>): () => Promise<MetricsView> {
  return async () => {
    const [now, known, stored] = await Promise.all([health(), needs.states.all(), needs.store.health()]);
    const names = [...needs.catalog.agents().keys()].sort().slice(0, MOST_AGENTS);
    return {
      samples: [
        ...healthSamples(now, needs),
        ...hostSamples(needs, stored.bytes),
        ...measuredHostSamples(needs.meter),
        ...deliverySamples(needs, new Set(names)),
        ...modelSamples(needs),
        ...names.flatMap((agent) => [
          ...stateSamples(agent, known.get(agent), needs),
          ...workerSamples(agent, needs),
          ...measuredSamples(agent, needs.meter),
          ...spendSamples(agent, needs.billing.ledger.totals().get(agent)),
        ]),
      ],
    };
  };
}

function healthSamples({ live, ready, reasons, loops, pings }: HealthView, { time }: MetricNeeds): Sample[] {
  const byCode = Map.groupBy(reasons, ({ code }) => code);
  return [
    sample('daruma_live', Number(live)),
    sample('daruma_ready', Number(ready)),
    ...[...byCode].map(([code, of]) => sample('daruma_health_reasons', of.length, { code })),
    ...loops.map(({ name, agoMs }) => sample('daruma_loop_age_seconds', agoMs / 1_000, { loop: name })),
    ...pings.map(({ name, at }) => sample('daruma_ping_age_seconds', (time.now() - Date.parse(at)) / 1_000, { name })),
  ];
}

function hostSamples({ facts, workers, healer, journal, lagMs }: MetricNeeds, storeBytes: number): Sample[] {
  const { cells } = workers.view();
  const cpu = process.cpuUsage();
  const incidents = Map.groupBy(healer.open(), ({ verdict, state }) => `${verdict} ${state}`);
  return [
    sample('daruma_build_info', 1, { version: facts.version }),
    sample('daruma_start_time_seconds', facts.startedAt / 1_000),
    sample('daruma_host_resident_memory_bytes', process.memoryUsage.rss()),
    sample('daruma_host_cpu_seconds_total', (cpu.user + cpu.system) / 1e6),
    sample('daruma_host_event_loop_delay_seconds', lagMs() / 1_000),
    ...[...Map.groupBy(cells, ({ is }) => is)].map(([cell, of]) => sample('daruma_cells', of.length, { cell })),
    sample('daruma_cell_memory_bytes', sumOf(cells.map(({ rssBytes }) => rssBytes ?? 0))),
    ...[...incidents.values()].map((of) =>
      sample('daruma_incidents', of.length, { verdict: of[0]!.verdict, state: of[0]!.state }),
    ),
    sample('daruma_store_bytes', storeBytes),
    sample('daruma_log_bytes', logBytes(facts.logFolder)),
    sample('daruma_log_lines_lost_total', journal.dropped()),
  ];
}

/** Agents are those of the other samples: the names of others are as many as files came and went. */
function deliverySamples({ hooks }: MetricNeeds, names: ReadonlySet<string>): Sample[] {
  return hooks
    .outcomes()
    .filter(({ agent }) => agent === null || names.has(agent))
    .map(({ agent, outcome, reason, count }) =>
      sample('daruma_deliveries_total', count, { agent: agent ?? '', outcome, reason }),
    );
}

function modelSamples({ models }: MetricNeeds): Sample[] {
  const chain = models.view() ? models.chain() : [];
  return [
    ...models.counters
      .view()
      .flatMap(({ rung, verdicts, goodMs }) => [
        ...Object.entries(verdicts).map(([verdict, count]) =>
          sample('daruma_model_calls_total', count, { rung, verdict }),
        ),
        sample('daruma_model_first_token_seconds_total', goodMs / 1_000, { rung }),
      ]),
    ...chain.map(({ name, state }) => sample('daruma_model_rung_state', 1, { rung: name, state })),
  ];
}

function stateSamples(agent: string, status: AgentStatus | undefined, { time }: MetricNeeds): Sample[] {
  if (!status) return [];
  const { state, overview, nextSlot } = status;
  const late = nextSlot === undefined ? 0 : Math.max(0, time.now() - nextSlot) / 1_000;
  return [
    sample('daruma_agent_state', 1, { agent, state }),
    sample('daruma_agent_late_seconds', late, { agent }),
    ...(nextSlot === undefined ? [] : [sample('daruma_agent_next_run_timestamp_seconds', nextSlot / 1_000, { agent })]),
    ...(['queued', 'running', 'retrying', 'dead'] as const).map((of) =>
      sample('daruma_jobs', overview?.[of] ?? 0, { agent, state: of }),
    ),
  ];
}

function workerSamples(agent: string, { workers }: MetricNeeds): Sample[] {
  const own = workers.view().workers.filter((worker) => worker.agent === agent);
  return [
    ...[...Map.groupBy(own, ({ is }) => is)].map(([state, of]) =>
      sample('daruma_workers', of.length, { agent, state }),
    ),
    sample('daruma_worker_memory_bytes', sumOf(own.map(({ memoryBytes }) => memoryBytes ?? 0)), { agent }),
  ];
}

/** Agents that never asked a model have no samples. */
function spendSamples(agent: string, rungs: ReadonlyMap<string, Amounts> | undefined): Sample[] {
  if (!rungs) return [];
  const spent = [...rungs.values()].reduce(plus);
  return [
    sample('daruma_agent_llm_calls_total', spent.calls, { agent }),
    sample('daruma_agent_llm_tokens_total', spent.tokens, { agent }),
    sample('daruma_agent_llm_money_total', dollarsOf(spent.micros), { agent }),
  ];
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function logBytes(folder: string): number {
  return sumOf(logFiles(folder, 'daruma').map(({ bytes }) => bytes));
}

/** A sample; `part`: of a histogram. */
function sample(metric: MetricName, value: number, labels: Record<string, string> = {}, part?: Sample['part']): Sample {
  return { metric, labels, value, ...given({ part }) };
}

/** Samples of an agent that the meter measured since the host started. */
function measuredSamples(agent: string, meter: Pick<Meter, 'totals'>): Sample[] {
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
function measuredHostSamples(meter: Pick<Meter, 'totals'>): Sample[] {
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
