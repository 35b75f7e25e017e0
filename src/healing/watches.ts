import { type BacklogWatchNeeds, createBacklogWatch } from './backlog.ts';
import { createDiskWatch, type DiskWatchNeeds } from './disk-watch.ts';
import { createEdges, type EdgesNeeds } from './edges.ts';
import { createLateWatch, type LateWatchNeeds } from './late-watch.ts';
import { createLeakWatch } from './leaks.ts';
import { createLoopWatch } from './loop-watch.ts';
import type { OpenIncidents } from './open-incidents.ts';
import { createOriginWatch } from './origin-watch.ts';
import type { OutageSource } from './ports.ts';
import type { Quarantines } from './quarantines.ts';
import type { Signals } from './signals.ts';
import { createUnscheduledWatch, type Unscheduled } from './unscheduled-watch.ts';
import { createVersionHeaps } from './version-heaps.ts';

export interface WatchesNeeds extends Pick<DiskWatchNeeds, 'time' | 'disk'> {
  openIncidents: OpenIncidents;
  quarantineRegistry: Pick<Quarantines, 'get'>;
  incidentSignals: Signals;
  log: EdgesNeeds['log'];
  store: LateWatchNeeds['store'] & BacklogWatchNeeds['store'] & EdgesNeeds['store'];
  agent: BacklogWatchNeeds['agent'];
  /** Paused by a person, or held by the host. */
  isHeld(agent: string): boolean;
  /** The same, or at work just now: no work of the agent is late. */
  isExempt(agent: string): boolean;
  /** Agents with a schedule and without a next slot, and why. Default: none is watched. */
  unscheduled?(): Promise<Unscheduled[]>;
  /** Servers that agents call. Default: none is watched. */
  origins?: OutageSource;
  /** Jobs of a lower priority wait on purpose; undefined: none does. Default: none ever does. */
  leastPriority?(): number | undefined;
  /** An agent came into quarantine or out of it. */
  restrictionsChanged(): void;
}

/** The watches of healing: signals that only a look can find (late agents, trends that have ended, a disk that is short). */
export function createWatches(needs: WatchesNeeds) {
  const { time, store, openIncidents, quarantineRegistry, incidentSignals } = needs;
  const { notice, heal } = incidentSignals;
  const isQuarantined = (agent: string) => quarantineRegistry.get(agent) !== undefined;
  const disk = createDiskWatch({ ...needs, notice, heal });
  const edges = createEdges(needs, 'memory');
  const runsAlways = (agent: string) => needs.agent(agent)?.always === true;
  const heaps = createVersionHeaps(needs);
  const leaks = createLeakWatch({ time, openIncidents, edges, heaps, runsAlways, notice, heal });
  const origins = createOriginWatch({ time, openIncidents, ...incidentSignals, outageSource: needs.origins });
  const loops = createLoopWatch({ time, openIncidents, ...incidentSignals });
  const unscheduled = createUnscheduledWatch({ time, openIncidents, notice, heal, find: needs.unscheduled });
  const lateWatch = createLateWatch({
    time,
    store,
    openIncidents,
    notice,
    isExempt: (agent) => !needs.agent(agent) || isQuarantined(agent) || needs.isExempt(agent),
    leastPriority: () => needs.leastPriority?.(),
  });
  const backlogs = createBacklogWatch({
    time,
    store,
    openIncidents,
    notice,
    heal,
    agent: needs.agent,
    isHeld: (agent) => isQuarantined(agent) || needs.isHeld(agent),
  });

  return {
    /** The memory of agents and versions, which the store keeps. */
    kept: {
      load: async () => void (await Promise.all([edges.load(), heaps.load()])),
      settled: async () => void (await Promise.all([edges.settled(), heaps.settled()])),
      keep(agents: { has(agent: string): boolean }) {
        edges.keep((agent) => agents.has(agent));
        heaps.keep(agents);
      },
    },
    heaps,
    leaks,
    origins,
    loops,
    unscheduled,
    /** A look of all watches. */
    async look(): Promise<void> {
      leaks.look();
      origins.look();
      loops.look();
      await disk.look();
      await lateWatch.look();
      await backlogs.look();
      await unscheduled.look();
    },
  };
}
