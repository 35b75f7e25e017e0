import type { Catalog, Listing } from '../../catalog/ports.ts';
import type { AgentView, ConfigView, StatusView } from '../../control/protocol.ts';
import { rangeWords } from '../../kernel/cron/timetable.ts';
import { HOUR_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import type { AgentFigures, FigureStore } from '../../telemetry/ports.ts';
import type { Workers, WorkersView } from '../../workers/ports.ts';
import type { HostContext } from '../host-context.ts';
import { countIncidents, type IncidentReads } from './incidents.ts';
import { listingOf } from './known.ts';
import type { AgentStatus, Left, States } from './states.ts';
import { iso, isoOrNull, viewJob, viewOrigin } from './views.ts';

const HOURS = 24;

type HourFigures = { agent: string; hour: number; done: number; dead: number }[];

interface StatusNeeds {
  time: Time;
  store: Pick<FigureStore, 'agentFigures' | 'hourFigures'> & IncidentReads;
  catalog: Pick<Catalog, 'listings' | 'agents' | 'problems' | 'notes'>;
  states: States;
  /** undefined: the host is down, and this is its last known state. */
  running?: Pick<
    HostContext,
    'facts' | 'lagMs' | 'warnings' | 'setup' | 'config' | 'configWatch' | 'outbound' | 'placements'
  > & {
    workers: Pick<Workers, 'view'>;
  };
}

/** Everything that `status` tells, gathered anew at each call. */
export function createStatus(needs: StatusNeeds): (agent?: string) => Promise<StatusView> {
  const { store, catalog, time, states, running } = needs;
  /** Percentiles read many rows; people who look twice a second get the same ones. */
  let figures: { at: number; of: Promise<AgentFigures[]> } | undefined;

  function figuresOfDay(now: number): Promise<AgentFigures[]> {
    if (!figures || now - figures.at > 15_000)
      figures = { at: now, of: store.agentFigures(now - HOURS * HOUR_MS, now) };
    return figures.of;
  }

  return async (only) => {
    const now = time.now();
    if (only !== undefined) listingOf(catalog, only);
    const listings = catalog.listings().filter(({ name }) => only === undefined || name === only);
    const hourNow = now - (now % HOUR_MS);
    const firstHour = hourNow - (HOURS - 1) * HOUR_MS;
    const [rollouts, left, hours, durations, incidents] = await Promise.all([
      states.all(),
      states.left(),
      store.hourFigures(firstHour, now),
      figuresOfDay(now),
      countIncidents(store, time),
    ]);
    const at = running?.workers.view() ?? { cells: [], workers: [] };

    function describe(listing: Listing): AgentView {
      const agent = catalog.agents().get(listing.name);
      const placement = running?.placements.of(listing.name);
      // Jobs go to the version before until the first worker of the one in force is ready.
      const serves = placement?.version ?? agent?.version;
      const isStoodInFor = placement !== undefined && placement.agent.fingerprint !== agent?.fingerprint;
      const rollout = rollouts.get(listing.name);
      return {
        name: listing.name,
        plugin: listing.plugin,
        about: agent?.about ?? '',
        version: serves?.id ?? null,
        rollout: serves?.id === agent?.version.id ? (listing.rollout ?? null) : 'good',
        ...stateOf(rollout, listing),
        schedule: agent?.schedule?.expression ?? null,
        timezone: agent?.schedule?.timezone ?? null,
        range: rangeWords(agent?.schedule ?? {}).join(' ') || null,
        input: agent?.input ?? null,
        lastJob: rollout?.overview?.newest ? viewJob(rollout.overview.newest) : null,
        nextSlot: isoOrNull(rollout?.nextSlot),
        p95Ms: durations.find((one) => one.agent === listing.name)?.p95Ms ?? null,
        memory: { usedBytes: memoryOf(at, listing.name), limitBytes: agent?.limits.memoryBytes ?? 0 },
        workers: {
          now: at.workers.filter((worker) => worker.agent === listing.name).length,
          min: agent?.workers.min ?? 0,
          max: agent?.workers.max ?? 0,
        },
        queued: rollout?.overview?.queued ?? 0,
        waiting: waitingOf(rollout),
        dead: rollout?.overview?.dead ?? 0,
        hours: hoursOf(hours, listing.name, firstHour),
        problem: listing.problem ?? (isStoodInFor ? undefined : running?.setup.lacks(listing.name)?.fault) ?? null,
      };
    }

    return {
      host: running ? hostView(running, at, rollouts, left) : null,
      edge: null,
      agents: listings.map(describe),
      incidents,
      origins: running?.outbound.view().map(viewOrigin) ?? [],
      problems: [
        ...(running?.warnings() ?? []),
        ...(running?.setup.problems(running.placements) ?? []),
        ...left.problems,
        ...catalog.problems(),
      ],
      notes: [...catalog.notes(), ...(running?.setup.notes() ?? []), ...left.notes],
    };
  };
}

function stateOf(rollout: AgentStatus | undefined, listing: Listing): Pick<AgentView, 'state' | 'why'> {
  return rollout ? { state: rollout.state, why: rollout.why } : { state: 'new', why: listing.why };
}

function waitingOf(rollout: AgentStatus | undefined): number {
  return (rollout?.overview?.queued ?? 0) + (rollout?.overview?.retrying ?? 0);
}

function memoryOf(at: WorkersView, agent: string): number | null {
  const known = at.workers.filter((worker) => worker.agent === agent && worker.memoryBytes !== null);
  return known.length === 0 ? null : known.reduce((sum, worker) => sum + worker.memoryBytes!, 0);
}

function hoursOf(figures: HourFigures, agent: string, firstHour: number): { done: number; dead: number }[] {
  return Array.from({ length: HOURS }, (_, index) => {
    const found = figures.find((one) => one.agent === agent && one.hour === firstHour + index * HOUR_MS);
    return { done: found?.done ?? 0, dead: found?.dead ?? 0 };
  });
}

function hostView(
  hostContext: NonNullable<StatusNeeds['running']>,
  at: WorkersView,
  rollouts: ReadonlyMap<string, AgentStatus>,
  left: Left,
): StatusView['host'] {
  const { facts, lagMs, warnings } = hostContext;
  return {
    version: facts.version,
    pid: facts.pid,
    startedAt: iso(facts.startedAt),
    folder: facts.folder,
    watchedBy: facts.watchedBy,
    guardian: facts.guardian,
    safeMode: warnings().some(({ code }) => code === 'SAFE_MODE'),
    memoryBytes: process.memoryUsage.rss(),
    loopLagMs: lagMs(),
    cells: at.cells.length,
    workers: at.workers.length,
    queued: [...rollouts.values()].reduce((sum, { overview }) => sum + (overview?.queued ?? 0), left.queued),
    waiting: [...rollouts.values()].reduce((sum, rollout) => sum + waitingOf(rollout), left.waiting),
    socket: facts.socket,
    store: facts.store.file,
    logs: facts.logFolder,
    config: viewConfig(hostContext),
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
