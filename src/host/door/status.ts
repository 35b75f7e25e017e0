import type { Catalog, Listing } from '../../catalog/ports.ts';
import type { AgentView, StatusView } from '../../control/protocol.ts';
import { rangeWords } from '../../kernel/cron/timetable.ts';
import type { Time } from '../../kernel/time.ts';
import type { AgentFigures, FigureStore } from '../../telemetry/ports.ts';
import type { Workers, WorkersView } from '../../workers/ports.ts';
import type { House } from '../house.ts';
import { countIncidents, type IncidentReads } from './incidents.ts';
import { listingOf } from './known.ts';
import { viewConfig } from './ops-config.ts';
import type { AgentStanding, Left, States } from './states.ts';
import { iso, isoOrNull, viewJob, viewOrigin } from './views.ts';

const HOUR_MS = 3_600_000;
const HOURS = 24;

type HourFigures = { agent: string; hour: number; done: number; dead: number }[];

export interface StatusNeeds {
  time: Time;
  store: Pick<FigureStore, 'agentFigures' | 'hourFigures'> & IncidentReads;
  catalog: Pick<Catalog, 'listings' | 'agents' | 'problems' | 'notes'>;
  states: States;
  /** undefined: the host is down, and this is its last known state. */
  running?: Pick<House, 'facts' | 'lag' | 'concerns' | 'setup' | 'config' | 'configWatch' | 'outbound'> & {
    workers: Pick<Workers, 'view' | 'serving'>;
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
    const [standings, left, hours, durations, incidents] = await Promise.all([
      states.all(),
      states.left(),
      store.hourFigures(firstHour, now),
      figuresOfDay(now),
      countIncidents(store, time),
    ]);
    const at = running?.workers.view() ?? { cells: [], workers: [] };

    function describe(listing: Listing): AgentView {
      const agent = catalog.agents().get(listing.name);
      // Jobs go to the version before until the first worker of the version in force has started.
      const serves = running?.workers.serving?.(listing.name) ?? agent;
      const standing = standings.get(listing.name);
      return {
        name: listing.name,
        plugin: listing.plugin,
        about: agent?.about ?? '',
        version: serves?.version.id ?? null,
        standing: serves?.version.id === agent?.version.id ? (listing.standing ?? null) : 'good',
        ...stateOf(standing, listing),
        schedule: agent?.schedule?.expression ?? null,
        timezone: agent?.schedule?.timezone ?? null,
        range: rangeWords(agent?.schedule ?? {}).join(' ') || null,
        input: agent?.input ?? null,
        lastJob: standing?.overview?.newest ? viewJob(standing.overview.newest) : null,
        nextSlot: isoOrNull(standing?.nextSlot),
        p95Ms: durations.find((one) => one.agent === listing.name)?.p95Ms ?? null,
        memory: { usedBytes: memoryOf(at, listing.name), limitBytes: agent?.limits.memoryBytes ?? 0 },
        workers: {
          now: at.workers.filter((worker) => worker.agent === listing.name).length,
          min: agent?.workers.min ?? 0,
          max: agent?.workers.max ?? 0,
        },
        queued: standing?.overview?.queued ?? 0,
        waiting: waitingOf(standing),
        dead: standing?.overview?.dead ?? 0,
        hours: hoursOf(hours, listing.name, firstHour),
        problem: listing.problem ?? running?.setup.missing(listing.name) ?? null,
      };
    }

    return {
      host: running ? hostView(running, at, standings, left) : null,
      edge: null,
      agents: listings.map(describe),
      incidents,
      origins: running?.outbound.view().map(viewOrigin) ?? [],
      problems: [
        ...(running?.concerns() ?? []),
        ...(running?.setup.problems() ?? []),
        ...left.problems,
        ...catalog.problems(),
      ],
      notes: [...catalog.notes(), ...(running?.setup.notes() ?? []), ...left.notes],
    };
  };
}

function stateOf(standing: AgentStanding | undefined, listing: Listing): Pick<AgentView, 'state' | 'why'> {
  return standing ? { state: standing.state, why: standing.why } : { state: 'new', why: listing.why };
}

function waitingOf(standing: AgentStanding | undefined): number {
  return (standing?.overview?.queued ?? 0) + (standing?.overview?.retrying ?? 0);
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
  house: NonNullable<StatusNeeds['running']>,
  at: WorkersView,
  standings: ReadonlyMap<string, AgentStanding>,
  left: Left,
): StatusView['host'] {
  const { facts, lag, concerns } = house;
  return {
    version: facts.version,
    pid: facts.pid,
    startedAt: iso(facts.startedAt),
    folder: facts.folder,
    watchedBy: facts.watchedBy,
    guardian: facts.guardian,
    safeMode: concerns().some(({ code }) => code === 'SAFE_MODE'),
    memoryBytes: process.memoryUsage.rss(),
    loopLagMs: lag.p99Ms(),
    cells: at.cells.length,
    workers: at.workers.length,
    queued: [...standings.values()].reduce((sum, { overview }) => sum + (overview?.queued ?? 0), left.queued),
    waiting: [...standings.values()].reduce((sum, standing) => sum + waitingOf(standing), left.waiting),
    socket: facts.socket,
    store: facts.storeFile,
    logs: facts.logFolder,
    config: viewConfig(house),
  };
}
