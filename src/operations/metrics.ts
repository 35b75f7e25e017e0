/** The kind of a metric, as Prometheus has it. A histogram has samples `_bucket` (with the label `le`), `_sum` and `_count`. */
type MetricKind = 'gauge' | 'counter' | 'histogram';

interface MetricRow {
  kind: MetricKind;
  help: string;
  labels: readonly string[];
}

/** Every metric, a row each: the text for Prometheus and the table in docs/health.md come out of these rows. Counters begin with the host. */
export const METRICS = {
  daruma_up: { kind: 'gauge', help: 'Whether the host answers: 1 or 0.', labels: [] },
  daruma_build_info: { kind: 'gauge', help: 'The version of the host; always 1.', labels: ['version'] },
  daruma_start_time_seconds: { kind: 'gauge', help: 'Start of the host, in seconds since 1970.', labels: [] },
  daruma_live: { kind: 'gauge', help: 'Whether all loops of the host turn.', labels: [] },
  daruma_ready: { kind: 'gauge', help: 'Whether the host takes and runs work.', labels: [] },
  daruma_health_reasons: { kind: 'gauge', help: 'Reasons for which health is not ok, by code.', labels: ['code'] },
  daruma_loop_age_seconds: { kind: 'gauge', help: 'Time since each loop of the host last turned.', labels: ['loop'] },
  daruma_ping_age_seconds: { kind: 'gauge', help: 'Time since each program outside last pinged.', labels: ['name'] },
  daruma_agent_state: { kind: 'gauge', help: 'The state of each agent; always 1.', labels: ['agent', 'state'] },
  daruma_agent_late_seconds: {
    kind: 'gauge',
    help: 'How long the next slot of each agent is overdue; 0: it is not.',
    labels: ['agent'],
  },
  daruma_agent_next_run_timestamp_seconds: {
    kind: 'gauge',
    help: 'The next slot of each agent, in seconds since 1970.',
    labels: ['agent'],
  },
  daruma_jobs: {
    kind: 'gauge',
    help: 'Jobs in the store, but those that are done or cancelled.',
    labels: ['agent', 'state'],
  },
  daruma_jobs_total: { kind: 'counter', help: 'Jobs that ended.', labels: ['agent', 'outcome'] },
  daruma_deliveries_total: {
    kind: 'counter',
    help: 'Deliveries of other programs, by what came of them; reason: why they were refused. No agent: there is none of the name.',
    labels: ['agent', 'outcome', 'reason'],
  },
  daruma_attempts_failed_total: { kind: 'counter', help: 'Attempts that failed.', labels: ['agent'] },
  daruma_attempt_duration_seconds: {
    kind: 'histogram',
    help: 'How long attempts took that were done; buckets are right within 2 % of their bound.',
    labels: ['agent'],
  },
  daruma_workers: { kind: 'gauge', help: 'Worker threads.', labels: ['agent', 'state'] },
  daruma_worker_memory_bytes: { kind: 'gauge', help: 'Heap and external memory of workers.', labels: ['agent'] },
  daruma_worker_ends_total: {
    kind: 'counter',
    help: 'Workers that ended otherwise than by a drain: crashes, kills, failed loads.',
    labels: ['agent'],
  },
  daruma_agent_cpu_seconds_total: { kind: 'counter', help: 'CPU time of workers.', labels: ['agent'] },
  daruma_calls_total: {
    kind: 'counter',
    help: 'Calls of other servers by fetch, by their end: good, bad, gone (given up). Origins beyond 20 of an agent are other.',
    labels: ['agent', 'origin', 'end'],
  },
  daruma_calls_retried_total: {
    kind: 'counter',
    help: 'Tries after the first of a call.',
    labels: ['agent', 'origin'],
  },
  daruma_calls_refused_total: { kind: 'counter', help: 'Answers of 429.', labels: ['agent', 'origin'] },
  daruma_calls_saved_total: {
    kind: 'counter',
    help: 'Calls that were not sent, since the server was known to be down.',
    labels: ['agent', 'origin'],
  },
  daruma_context_count_total: {
    kind: 'counter',
    help: 'What plugins count by context.count; name: their own. Labels of theirs are label_<name>.',
    labels: ['agent', 'name'],
  },
  daruma_context_level: {
    kind: 'gauge',
    help: 'What plugins read by context.gauge, as last read.',
    labels: ['agent', 'name'],
  },
  daruma_context_time_seconds: {
    kind: 'histogram',
    help: 'What plugins measure by context.time.',
    labels: ['agent', 'name'],
  },
  daruma_agent_llm_calls_total: { kind: 'counter', help: 'Calls of models that ended.', labels: ['agent'] },
  daruma_agent_llm_tokens_total: { kind: 'counter', help: 'Tokens of these calls.', labels: ['agent'] },
  daruma_agent_llm_money_total: {
    kind: 'counter',
    help: 'What these calls cost, in dollars; tokens without a price are not in it.',
    labels: ['agent'],
  },
  daruma_cells: { kind: 'gauge', help: 'Cells, the processes that hold workers.', labels: ['cell'] },
  daruma_cell_memory_bytes: { kind: 'gauge', help: 'Resident memory of all cells.', labels: [] },
  daruma_host_resident_memory_bytes: { kind: 'gauge', help: 'Resident memory of the host.', labels: [] },
  daruma_host_cpu_seconds_total: { kind: 'counter', help: 'CPU time of the host.', labels: [] },
  daruma_host_event_loop_delay_seconds: {
    kind: 'gauge',
    help: 'The 99th percentile of the delay of the event loop of the host in the last minute or two.',
    labels: [],
  },
  daruma_model_calls_total: {
    kind: 'counter',
    help: 'Tries of rungs of models, by what came of them.',
    labels: ['rung', 'verdict'],
  },
  daruma_model_first_token_seconds_total: {
    kind: 'counter',
    help: 'Time until the first token of good answers, together; divide by the good calls.',
    labels: ['rung'],
  },
  daruma_model_rung_state: {
    kind: 'gauge',
    help: 'The state of each rung while a gateway listens: ready, cooling, closed, off, down; always 1.',
    labels: ['rung', 'state'],
  },
  daruma_incidents: { kind: 'gauge', help: 'Incidents that have not ended.', labels: ['verdict', 'state'] },
  daruma_store_latency_seconds: {
    kind: 'histogram',
    help: 'From a call of the store until its answer.',
    labels: [],
  },
  daruma_pressure_ratio: {
    kind: 'gauge',
    help: 'The share of a minute in which some process of the machine waited for a resource (PSI), 0 to 1.',
    labels: ['resource'],
  },
  daruma_disk_free_bytes: { kind: 'gauge', help: 'Free room on the disk of the store.', labels: [] },
  daruma_store_bytes: { kind: 'gauge', help: 'The store on disk.', labels: [] },
  daruma_log_bytes: { kind: 'gauge', help: 'All log files.', labels: [] },
  daruma_log_lines_lost_total: { kind: 'counter', help: 'Log lines that could not be written.', labels: [] },
} as const satisfies Record<string, MetricRow>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;

/** Bounds of the buckets of durations, in seconds. */
export const DURATION_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800] as const;
