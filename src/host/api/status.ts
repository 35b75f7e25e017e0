import type { Catalog, Listing } from '../../catalog/ports.ts';
import type { AgentView, CommandFenceView, ConfigView, PressureView, StatusView } from '../../control/protocol.ts';
import type { Amounts } from '../../gateway/models/spend.ts';
import { amountsOf } from '../../gateway/models/spend-accounts.ts';
import { NO_AMOUNTS, plus } from '../../gateway/models/spend-rules.ts';
import { stepWords } from '../../healing/pressure/words.ts';
import type { Agent } from '../../jobs/agent.ts';
import { rangeWords } from '../../kernel/cron/timetable.ts';
import { zonedDay } from '../../kernel/day.ts';
import { given } from '../../kernel/given.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import { HOUR_MS } from '../../kernel/measures.ts';
import { dollarsOf } from '../../kernel/money.ts';
import type { Time } from '../../kernel/time.ts';
import type { BillView } from '../../operations/results/bill.ts';
import type { AlertStore } from '../../telemetry/alerts/ports.ts';
import type { Aggregate, AggregateStore, FigureStore } from '../../telemetry/ports.ts';
import { windowFilter } from '../../telemetry/windows.ts';
import { sumOfUse } from '../../workers/pool-use.ts';
import type { Workers } from '../../workers/ports.ts';
import type { WorkersView } from '../../workers/view.ts';
import { type BillNeeds, billsOf } from '../bill/bills.ts';
import { latePings } from '../health/pings.ts';
import type { HostContext } from '../host-context.ts';
import { viewWarnings, type WarningReads } from '../warnings/op.ts';
import { openAlerts } from './alerts.ts';
import { countIncidents, type IncidentReads } from './incidents.ts';
import { listingOf } from './known.ts';
import { viewModels } from './ops-models.ts';
import type { AgentStatus, Left, States } from './states.ts';
import { viewJob, viewOrigin } from './views.ts';

const HOURS = 24;

interface StatusNeeds {
  time: Time;
  store: Pick<FigureStore, 'hourFigures'> &
    Pick<AggregateStore, 'aggregateSums'> &
    IncidentReads &
    BillNeeds['store'] &
    Pick<AlertStore, 'alerts'> &
    WarningReads['store'];
  timezone(): string;
  catalog: Pick<Catalog, 'listings' | 'agents' | 'problems' | 'notes'>;
  states: States;
  running?: Running;
}

/** The host at work; undefined: the host is down, and its last known state is shown. */
type Running =
  | (Pick<
      HostContext,
      | 'facts'
      | 'exec'
      | 'lagMs'
      | 'warnings'
      | 'setup'
      | 'config'
      | 'configWatch'
      | 'outbound'
      | 'placements'
      | 'scaling'
      | 'web'
      | 'models'
      | 'heartbeats'
      | 'billing'
      | 'earlyWarnings'
      | 'pressure'
    > & {
      workers: Pick<Workers, 'view'>;
    })
  | undefined;

/** The figures of one agent for each hour, as the store has them. */
type HourFigures = Awaited<ReturnType<FigureStore['hourFigures']>>;

/** Facts that a status is made of. */
interface StatusFacts {
  statuses: ReadonlyMap<string, AgentStatus>;
  left: Left;
  /** The first of the hours that are shown, epoch ms. */
  firstHour: number;
  /** By agent, as is all that each agent's view takes its part of: with 5,000 of them, each would look through all 120,000 hours. */
  hours: ReadonlyMap<string, HourFigures>;
  figures: ReadonlyMap<string, Aggregate>;
  workersOf: ReadonlyMap<string, WorkersView['workers']>;
  /** The spend of an agent on models today. */
  spendOf(agent: string): Amounts;
  /** Of the only agent that is asked for. */
  bill: BillView | undefined;
  at: WorkersView;
  /** The fence around commands; null where no agent runs any. */
  commands: CommandFenceView | null;
}

/** The answer of `status`, gathered anew at each call. */
export function createStatus(needs: StatusNeeds): (agent?: string) => Promise<StatusView> {
  const { store, catalog, time, states, running } = needs;
  async function look(only: string | undefined): Promise<StatusFacts> {
    const now = time.now();
    const firstHour = now - (now % HOUR_MS) - (HOURS - 1) * HOUR_MS;
    const [statuses, left, hours, figuresOfAgents, spendOf, bills] = await Promise.all([
      states.all(),
      states.left(),
      store.hourFigures(firstHour, now),
      store.aggregateSums(windowFilter('24h', now)),
      spendToday(needs),
      only === undefined ? undefined : billsOf(needs, { agent: only }),
    ]);
    const at = running?.workers.view() ?? { cells: [], workers: [], room: { most: null, waiting: [] } };
    const commands = await commandFence(running, catalog.agents().values());
    const bill = bills?.agents[0];
    return {
      ...{ commands, statuses, left, firstHour, spendOf, bill, at },
      hours: Map.groupBy(hours, ({ agent }) => agent),
      figures: new Map(figuresOfAgents.map((one) => [one.agent, one])),
      workersOf: Map.groupBy(at.workers, ({ agent }) => agent),
    };
  }

  return async (only) => {
    if (only !== undefined) listingOf(catalog, only);
    const listings = catalog.listings().filter(({ name }) => only === undefined || name === only);
    const [facts, incidents, alerts, warnings] = await Promise.all([
      look(only),
      countIncidents(store, time),
      openAlerts(store, time.now()),
      viewWarnings({ store, ...given({ earlyWarnings: running?.earlyWarnings }) }),
    ]);
    const { left } = facts;
    const page = running?.web.view() ?? null;
    return {
      host: running ? viewHost(running, facts) : null,
      edge: page,
      web: page,
      models: running ? viewModels(running.models) : null,
      agents: listings.map((listing) => viewAgent(listing, catalog.agents().get(listing.name), facts, running)),
      incidents,
      alerts,
      origins: running?.outbound.view().map(viewOrigin) ?? [],
      warnings: warnings.filter(({ agent }) => only === undefined || agent === only),
      problems: [
        ...(running?.warnings() ?? []),
        ...(running ? latePings({ time, heartbeats: running.heartbeats }) : []),
        ...(running?.setup.problems(running.placements) ?? []),
        ...left.problems,
        ...catalog.problems(),
      ],
      notes: [...catalog.notes(), ...(running?.setup.notes() ?? []), ...left.notes],
    };
  };
}

function viewAgent(listing: Listing, agent: Agent | undefined, facts: StatusFacts, running: Running): AgentView {
  const { name } = listing;
  const { at, firstHour } = facts;
  const workers = facts.workersOf.get(name) ?? [];
  const status = facts.statuses.get(name);
  const { newest = null, queued = 0, dead = 0 } = status?.overview ?? {};
  return {
    name,
    plugin: listing.plugin,
    about: agent?.about ?? '',
    ...viewServing(listing, agent, running),
    state: status?.state ?? 'new',
    why: status?.why ?? listing.why,
    schedule: agent?.schedule?.expression ?? null,
    timezone: agent?.schedule?.timezone ?? null,
    range: rangeWords(agent?.schedule ?? {}).join(' ') || null,
    input: agent?.input ?? null,
    lastJob: newest && { ...viewJob(newest), ...(running ? { holdUp: status?.holdUp ?? null } : {}) },
    mutedUntil: isoOrNull(status?.mutedUntil),
    nextSlot: isoOrNull(status?.nextSlot),
    p95Ms: facts.figures.get(name)?.p95Ms ?? null,
    memory: { usedBytes: memoryOf(workers), limitBytes: agent?.limits.memoryBytes ?? 0 },
    pools: sumOfUse(workers.flatMap(({ pools }) => pools ?? [])),
    fence: at.cells.find((cell) => cell.agent === name)?.fence ?? null,
    commands: agent && agent.needs.exec.length > 0 ? facts.commands : null,
    workers: {
      now: workers.length,
      min: agent?.workers.min ?? 0,
      max: agent?.workers.max ?? 0,
    },
    scaling: viewScaling(agent && running?.scaling.view(agent)),
    queued,
    waiting: waitingOf(status),
    dead,
    spend: viewSpend(facts.spendOf(name)),
    ...given({ bill: facts.bill }),
    hours: hoursOf(facts.hours.get(name) ?? [], firstHour),
  };
}

function viewScaling(scaling: ReturnType<NonNullable<Running>['scaling']['view']>): AgentView['scaling'] {
  if (!scaling) return null;
  const { change } = scaling;
  return { ...scaling, change: change && { ...change, at: isoOf(change.at) } };
}

/** Of today: from the ledger of a host at work, else as the store has it. */
async function spendToday({ time, store, timezone, running }: StatusNeeds): Promise<(agent: string) => Amounts> {
  if (running) return running.billing.ledger.today;
  const { day } = zonedDay(time.now(), timezone());
  const byAgent = Map.groupBy(await store.spendRows({ from: day, to: day }), ({ agent }) => agent);
  return (agent) => (byAgent.get(agent) ?? []).map(amountsOf).reduce(plus, NO_AMOUNTS);
}

function viewSpend({ calls, tokens, micros }: Amounts): NonNullable<AgentView['spend']> {
  return { calls, tokens, money: dollarsOf(micros) };
}

/** Asked where an agent runs commands: to find the fence starts a process, once. */
async function commandFence(running: Running, agents: Iterable<Agent>): Promise<CommandFenceView | null> {
  if (!running || ![...agents].some(({ needs }) => needs.exec.length > 0)) return null;
  const { fence, missing } = await running.exec.fence();
  return { fence, missing };
}

/** The version that serves: the version before, until the first worker of the version in force is ready. */
function viewServing(listing: Listing, agent: Agent | undefined, running: Running) {
  const placement = running?.placements.of(listing.name);
  const serves = placement?.version ?? agent?.version;
  const isSubstituted = placement !== undefined && placement.agent.fingerprint !== agent?.fingerprint;
  const lacks = isSubstituted ? undefined : running?.setup.lacks(listing.name);
  return {
    version: serves?.id ?? null,
    cell: placement?.cell ?? null,
    rollout: serves?.id === agent?.version.id ? (listing.rollout ?? null) : 'good',
    problem: listing.problem ?? lacks?.fault ?? null,
  };
}

function waitingOf(status: AgentStatus | undefined): number {
  return (status?.overview?.queued ?? 0) + (status?.overview?.retrying ?? 0);
}

function memoryOf(workers: WorkersView['workers']): number | null {
  const known = workers.filter(({ memoryBytes }) => memoryBytes !== null);
  return known.length === 0 ? null : known.reduce((sum, worker) => sum + worker.memoryBytes!, 0);
}

function hoursOf(figures: HourFigures, firstHour: number): { done: number; dead: number }[] {
  return Array.from({ length: HOURS }, (_, index) => {
    const found = figures.find(({ hour }) => hour === firstHour + index * HOUR_MS);
    return { done: found?.done ?? 0, dead: found?.dead ?? 0 };
  });
}

function viewHost(running: NonNullable<Running>, { statuses, left, at, commands }: StatusFacts): StatusView['host'] {
  const { facts } = running;
  const all = [...statuses.values()];
  return {
    version: facts.version,
    pid: facts.pid,
    startedAt: isoOf(facts.startedAt),
    folder: facts.folder,
    watchedBy: facts.watchedBy,
    guardian: facts.guardian,
    safeMode: running.warnings().some(({ code }) => code === 'SAFE_MODE'),
    memoryBytes: process.memoryUsage.rss(),
    loopLagMs: running.lagMs(),
    cells: at.cells.length,
    room: at.room,
    fences: at.cells.map(({ pid, is, agent, fence }) => ({ pid, cell: is, agent, fence })),
    commands,
    workers: at.workers.length,
    queued: all.reduce((sum, { overview }) => sum + (overview?.queued ?? 0), left.queued),
    waiting: all.reduce((sum, status) => sum + waitingOf(status), left.waiting),
    pressure: viewPressure(running.pressure),
    socket: facts.socket,
    store: facts.store.file,
    logs: facts.logFolder,
    config: viewConfig(running),
  };
}

function viewPressure(pressure: HostContext['pressure']): PressureView {
  const inForce = pressure.inForce();
  return {
    rung: inForce.at(-1)?.rung ?? 0,
    steps: inForce.map(({ since, ...step }) => ({ ...step, text: stepWords(step.step), since: isoOf(since) })),
    resources: pressure.resources(),
  };
}

/** The probation of `config/daruma.yaml`; null: its settings are known to be good. */
export function viewConfig({ config, configWatch }: Pick<HostContext, 'config' | 'configWatch'>): ConfigView | null {
  const selection = config.selection();
  if (selection.is === 'good') return null;
  const changed = [...config.changed];
  if (selection.is === 'taken-back') return { is: 'taken-back', until: null, why: selection.bad.why, changed };
  return { is: 'on-probation', until: isoOrNull(configWatch.until()), why: null, changed };
}
