import type { Amounts } from '../../gateway/models/spend.ts';
import { plus } from '../../gateway/models/spend-rules.ts';
import { dollarsOf } from '../../kernel/money.ts';
import type { HealthView } from '../../operations/results/health.ts';
import type { MetricsView } from '../../operations/results/metrics.ts';
import { logFiles } from '../../telemetry/log-files.ts';
import type { AgentStatus } from '../api/states.ts';
import type { HostContext } from '../host-context.ts';
import { measuredHostSamples, measuredSamples, type Sample, sample } from './measured-samples.ts';

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
