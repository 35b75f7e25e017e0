import type { Agent } from '../jobs/agent.ts';
import type { Owner, Settlement } from '../jobs/ports.ts';
import type { Budget } from '../kernel/budget.ts';
import { Fault, type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import type { Events } from '../telemetry/events.ts';
import type { EventStore } from '../telemetry/ports.ts';
import type { WorkerEnd, WorkerReading } from '../workers/ports.ts';
import { type ActionNeeds, createActions } from './actions.ts';
import { type Advice, createAdvice } from './advice.ts';
import { reportEvent } from './incident-reports.ts';
import { stepIncident } from './incident-state.ts';
import type { LeakWatch } from './leaks.ts';
import type { LoopWatch } from './loop-watch.ts';
import { createOpenIncidents, newestWith, type OpenIncidents } from './open-incidents.ts';
import { createOutcomes } from './outcomes.ts';
import type { Incident, IncidentStore, QuarantineRecord } from './ports.ts';
import { createQuarantines, type Quarantines } from './quarantines.ts';
import { createRemedies } from './remedies.ts';
import { createSignals, type RoomEvent, type Signal, type Signals } from './signals.ts';
import type { VersionHeaps } from './version-heaps.ts';
import { createWatches, type WatchesNeeds } from './watches.ts';

/**
 * Sees what goes wrong, does something about it, and checks that it helped: every trouble is one incident, whose
 * remedies are proven by the agent's next real job. The healer acts before it writes, and nothing here throws: a healer that is
 * ill, or whose store is down, harms no job.
 */
export interface Healer extends Service {
  /** A worker ended otherwise than by a drain. */
  gone(end: WorkerEnd): void;
  readings(list: readonly WorkerReading[]): void;
  /** An attempt's end was written down. */
  settled(end: Settlement, agent: string): void;
  /** Takes all agents in force: a changed agent's quarantine ends, and the incidents of an agent that is gone are closed. */
  use(agents: ReadonlyMap<string, Agent>): void;
  /**
   * A signal that another room found; `note`: what that room did about it, null: nothing. The end of `seen.worker` belongs to it. `event`:
   * what that room did, written in the line of the incident.
   */
  report(seen: Signal, note: string | null, event?: RoomEvent): void;
  /** The same, of something that is over already: `proof` is how that is known. */
  mended(seen: Signal, proof: string, note?: string): void;
  /** The host before this one ended without an orderly stop; `jobs` were running. `cameOf`: the subject of its event. */
  hostLost(because: PlainFault, jobs: string[], cameOf?: string[]): void;
  /** A server that agents call went down, was probed, or is back. */
  originsChanged(): void;
  /** A job was refused to make another. */
  chainRefused: LoopWatch['refused'];
  /** Agents came to be without a next slot, or have one again. */
  schedulesChanged(): void;
  /** How many of the agent's attempts may be under way now. */
  allowance(agent: string): number;
  /** Whether the slot of a quarantined agent may ask for the job that is the probe. */
  letThrough(agent: string, due: number): boolean;
  quarantine(agent: string): QuarantineRecord | undefined;
  /** The machine is no more short of memory; `proof` says how that is known. Nothing happens where no incident says that it is. */
  pressureOver(proof: string): void;
  /** The next job of a quarantined agent is its probe, now. */
  probeNow(agent: string): void;
  /** Ends a quarantine; false when there is none. `who`: the person, for the event. */
  release(agent: string, why: string, who?: string): boolean;
  /** Versions whose workers leak where those of the version before did not. */
  versionLeaks: VersionHeaps['leaks'];
  highMemory: LeakWatch['high'];
  /** The incidents that have not ended, oldest first. */
  open(): Incident[];
  remark: Advice['remark'];
  advise: Advice['advise'];
  /** Ends an incident by hand, or adds a note to one that has ended; `who`: the person, for the event. Rejects with `INCIDENT_UNKNOWN`. */
  acknowledge(id: string, note: string | null, who?: string): Promise<Incident>;
}

type WatchedFacts = Omit<
  WatchesNeeds,
  'time' | 'log' | 'openIncidents' | 'quarantineRegistry' | 'incidentSignals' | 'store'
>;

export interface HealerNeeds extends Omit<ActionNeeds, 'openIncidents'>, WatchedFacts {
  log: Log;
  /** The owner of incidents: this run of this host. */
  owner: Owner;
  events: Pick<Events, 'record' | 'publish' | 'clean'>;
  store: IncidentStore & Pick<EventStore, 'events'> & WatchesNeeds['store'];
}

export interface HealerOptions {
  /** Default: more than 4 ends in 10 minutes with no job done in between, or more than 24 in all. */
  budget?: Budget;
  /** Questions to a person or a model, in any 24 hours. Default 5. */
  escalationsPerDay?: number;
}

const TURN_MS = 10_000;
const BUDGET: Budget = { allowed: 4, allowedInAll: 24, withinMs: 600_000 };

export function createHealer(needs: HealerNeeds, options: HealerOptions = {}): Healer {
  const { time, log, store, restrictionsChanged: changed } = needs;
  const openIncidents = createOpenIncidents(needs);
  const quarantineRegistry = createQuarantines(needs);
  const remedies = createRemedies(
    { ...needs, openIncidents, carryOut: createActions({ ...needs, openIncidents }) },
    { escalationsPerDay: options.escalationsPerDay ?? 5 },
  );
  const incidentSignals = createSignals({ ...needs, openIncidents, remedies });
  const { notice, heal, close } = incidentSignals;
  const watches = createWatches({ ...needs, openIncidents, quarantineRegistry, incidentSignals });
  const { kept, heaps, leaks, origins, loops, unscheduled } = watches;
  const ends = createOutcomes(
    { ...needs, openIncidents, quarantineRegistry, incidentSignals, changed },
    options.budget ?? BUDGET,
  );
  const loop = createLoop(
    { time, failed: (error) => log.error('a turn of healing failed', { fault: toPlainFault(error) }) },
    {
      everyMs: TURN_MS,
      firstMs: TURN_MS,
      async turn() {
        openIncidents.retry();
        quarantineRegistry.retry();
        await openIncidents.hold();
        if (await quarantineRegistry.reread()) changed();
        ends.linkIncidents();
        await watches.look();
      },
    },
  );

  let unfollow = () => {};

  /** A call of another room must never fail in that room. */
  function safely<A extends unknown[]>(take: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      try {
        take(...args);
      } catch (error) {
        log.error('healing could not handle a signal', { fault: toPlainFault(error) });
      }
    };
  }

  return {
    async start() {
      if (loop.alive() !== undefined) return;
      for (const part of [openIncidents, quarantineRegistry, remedies, kept]) {
        await part.load().catch((error) => log.error('the past could not be read', { fault: toPlainFault(error) }));
      }
      unfollow = store.healingChanges(({ by }) => {
        if (by !== needs.owner.host) loop.soon();
      });
      await loop.start();
    },
    async stop() {
      unfollow();
      await loop.stop();
      await openIncidents.settled();
      await quarantineRegistry.settled();
      await kept.settled();
    },
    alive: loop.alive,
    gone: safely(ends.gone),
    readings: safely(leaks.read),
    settled: safely(ends.settled),
    use: safely((agents) => {
      kept.keep(agents);
      leaveAgents({ openIncidents, quarantineRegistry, close, release: ends.release }, agents);
    }),
    hostLost: safely((because, jobs, cameOf = []) => {
      const one = notice({ agent: null, verdict: 'host-lost', because, seen: because.message, cameOf }, {});
      for (const job of jobs)
        openIncidents.next(one, () =>
          openIncidents.apply(one, {
            is: 'job-affected',
            at: time.now(),
            job,
            text: `${job} was running: it is tried again`,
          }),
        );
      if (jobs.length === 0) heal(one, 'nothing was running');
    }),
    mended: safely((seen, proof, note) => heal(notice(seen, note === undefined ? {} : { note }), proof)),
    report: safely((seen, note, event) => {
      const one = incidentSignals.report(seen, note, event);
      if (seen.worker !== undefined) ends.reported(seen.worker, one);
    }),
    originsChanged: safely(origins.look),
    chainRefused: safely(loops.refused),
    schedulesChanged() {
      unscheduled.look().catch((error) => log.error('healing could not look at slots', { fault: toPlainFault(error) }));
    },
    allowance: quarantineRegistry.allowance,
    letThrough: quarantineRegistry.letThrough,
    quarantine: quarantineRegistry.get,
    pressureOver: safely((proof) => {
      const one = newestWith(openIncidents.of(null), 'pressed');
      if (one) heal(one, proof);
    }),
    probeNow(agent) {
      quarantineRegistry.probeNow(agent);
      needs.wake(agent);
    },
    release: ends.release,
    versionLeaks: heaps.leaks,
    highMemory: leaks.high,
    open: () => openIncidents.all().map(({ incident }) => incident),
    ...createAdvice({ time, openIncidents, remedies }),
    async acknowledge(id, note, who) {
      const one = openIncidents.all().find(({ incident }) => incident.id === id);
      if (one) {
        close(one, BY_HAND, { note, who });
        await openIncidents.settled();
      }
      return one?.held === 'here' ? one.incident : acknowledgeInStore(needs, id, { note, who });
    },
  };
}

interface LeavingNeeds extends Pick<Signals, 'close'> {
  openIncidents: Pick<OpenIncidents, 'all'>;
  quarantineRegistry: Pick<Quarantines, 'all' | 'release'>;
  release: Healer['release'];
}

/** Ends what is open of agents that are gone, and quarantines of agents that were changed. */
function leaveAgents(needs: LeavingNeeds, agents: ReadonlyMap<string, Agent>): void {
  for (const one of needs.openIncidents.all()) {
    const { agent } = one.incident;
    if (agent !== null && !agents.has(agent)) needs.close(one, 'the agent is not in force any more');
  }
  for (const { agent, fingerprint } of needs.quarantineRegistry.all()) {
    const now = agents.get(agent);
    if (!now) needs.quarantineRegistry.release(agent);
    else if (now.fingerprint !== fingerprint) needs.release(agent, 'it was changed');
  }
}

const BY_HAND = 'acknowledged by hand';

/** Of an incident that this host does not hold: its holder hears of the change. */
async function acknowledgeInStore(
  { time, store, events }: Pick<HealerNeeds, 'time' | 'store' | 'events'>,
  id: string,
  { note, who }: { note: string | null; who?: string | undefined },
): Promise<Incident> {
  const known = await store.incident(id);
  if (!known)
    throw new Fault({ code: 'INCIDENT_UNKNOWN', message: `there is no incident ${id}`, next: 'daruma incidents' });
  const at = time.now();
  if (known.endedAt !== null && note === null) return known;
  const isOpen = known.endedAt === null;
  const incident = stepIncident(
    known,
    isOpen ? { is: 'closed', at, text: BY_HAND, note } : { is: 'noted', at, note: note! },
  );
  if (!isOpen) {
    await store.updateIncident(incident, null);
    return incident;
  }
  const report = {
    at,
    kind: 'incident.closed',
    words: `was closed: ${BY_HAND}`,
    data: { why: BY_HAND },
    ...given({ who }),
  };
  await store.updateIncident(incident, null, [report]);
  events.publish('info', reportEvent(incident, report));
  return incident;
}
