import type { Catalog } from '../catalog/ports.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { JobRecords, Settlement } from '../jobs/ports.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { labelsText } from '../kernel/series.ts';
import type { Meter } from '../telemetry/meter/meter.ts';
import type { HostBus } from './bus.ts';
import { recordFiles } from './file-records.ts';
import type { Foundation } from './foundation.ts';
import { watchOrphans } from './orphans.ts';
import {
  recordBrokerBroken,
  recordCellReplaced,
  recordLeftOver,
  recordLeftProcess,
  recordOutcomes,
  recordWorkerEnd,
} from './records.ts';
import type { Rooms } from './rooms.ts';

interface MeasureNeeds {
  meter: Meter;
  catalog: Pick<Catalog, 'agents'>;
}

/** Names of versions by fingerprints of agents; more are of changes that are long past. */
const MOST_FINGERPRINTS = 5_000;

type Records = Pick<Foundation, 'journal' | 'log' | 'store' | 'events' | 'meter'> & {
  /** The run of this host, by which workers are told from those of others. */
  run: string;
  /** The installation, absolute. */
  folder: string;
};

/** Subscribes the rooms to the facts that they act on, in the order in which they act. To be called once, before any room is started. */
export function subscribe(bus: HostBus, rooms: Rooms, records: Records): void {
  rooms.catalog.onChange((change) => bus.emit('agents.changed', change));
  recordFiles({ ...records, catalog: rooms.catalog });
  followAgents(bus, rooms, records);
  followAttempts(bus, rooms, records);
  followWorkers(bus, rooms, records);
  followHealth(bus, rooms);
  measureRooms(bus, { meter: records.meter, catalog: rooms.catalog });
}

/** Agents, guests, secrets, and all else that placements are made of. */
function followAgents(bus: HostBus, rooms: Rooms, { log, journal, store, events }: Records): void {
  const { catalog, setup, healer, outbound, probation, placements, schedule, jobs, workers, runnableAgents } = rooms;
  const { hostEvents, alwaysAgents } = rooms;
  const firstRuns = createFirstRuns({ store, jobs, log });
  const orphans = watchOrphans({ store, events, journal, catalog });
  bus.on('agents.changed', ({ added, changed }) => {
    setup.use();
    rooms.logLevels.use();
    healer.use(runnableAgents());
    outbound.use();
    rooms.modelAgents.use();
    probation.use();
    placements.apply();
    schedule.use(catalog.agents().values());
    for (const { name } of [...added, ...changed.map(({ after }) => after)]) jobs.wake(name);
    void firstRuns(added);
    hostEvents.soon();
    alwaysAgents.soon();
    void orphans();
  });
  bus.on('guests.changed', () => {
    healer.use(runnableAgents());
    outbound.use();
    rooms.modelAgents.use();
    rooms.mounts.use();
    placements.apply();
  });
  bus.on('placement.changed', (startable) => {
    placements.apply();
    for (const name of startable) jobs.wake(name);
  });
  bus.on('secrets.changed', (agents) => {
    const because = { code: 'RECYCLED', message: 'a secret of its agent has changed' };
    // A worker that was given the value before goes when it has done what it holds.
    for (const { worker, agent } of workers.view().workers) {
      if (agents.includes(agent)) workers.recycle?.(worker, because);
    }
    bus.emit('placement.changed', agents);
    rooms.models.keysChanged();
  });
}

function followAttempts(
  bus: HostBus,
  { exec, jobs, outbound, modelAgents, healer, probation, hostEvents, catalog, heartbeats, aggregation }: Rooms,
  { log }: Records,
): void {
  const record = recordOutcomes(log);
  bus.on('attempts.ended', (outcomes) => {
    const attempts = outcomes.map(({ outcome }) => outcome);
    exec.ended(attempts);
    jobs.ended(outcomes);
    // Jobs asks first what the attempts waited for.
    outbound.ended(attempts);
    modelAgents.ended(outcomes);
  });
  bus.on('attempts.released', jobs.released);
  bus.on('capacity.changed', jobs.capacityChanged);
  bus.on('attempt.settled', ({ end, agent }) => record(end, agent));
  bus.on('attempt.settled', ({ end, agent }) => healer.settled(end, agent));
  bus.on('attempt.settled', ({ end, agent }) => probation.settled(end, agent));
  bus.on('attempt.settled', ({ end }) => {
    if (end.state === 'dead') hostEvents.soon();
  });
  // Guest agents have no heartbeats: health does not wait for them when their client has left.
  bus.on('attempt.settled', ({ agent }) => {
    if (catalog.agents().has(agent)) heartbeats.ran(agent);
  });
  bus.on('reading', (readings) => {
    for (const { agent, quietMs, heapBytes, externalBytes, childrenBytes } of readings) {
      if (!catalog.agents().has(agent)) continue;
      aggregation.memory(agent, heapBytes + externalBytes + childrenBytes);
      if (quietMs != null) heartbeats.beat(agent, quietMs);
    }
  });
}

function followWorkers(
  bus: HostBus,
  { healer, pressure, probation, catalog, billing, scaling, mounts }: Rooms,
  { events, run }: Records,
): void {
  bus.on('worker.gone', ({ agent, because }) => mounts.ended(agent, because));
  bus.on('worker.gone', (end) => recordWorkerEnd(events, run, end));
  // Before healing: the report of a rollback names the worker, whose end is then no second incident.
  bus.on('worker.gone', probation.gone);
  bus.on('worker.gone', healer.gone);
  bus.on('reading', (readings) => billing.usage.read(readings.filter(({ agent }) => catalog.agents().has(agent))));
  bus.on('command.used', ({ agent, cpuMs }) => {
    if (catalog.agents().has(agent)) billing.usage.ranCommand(agent, cpuMs);
  });
  bus.on('reading', healer.readings);
  bus.on('reading', pressure.readings);
  bus.on('reading', probation.readings);
  bus.on('reading', scaling.readings);
  bus.on('job.left-over', (found) => recordLeftOver(healer, found));
  bus.on('command.left', (left) => recordLeftProcess(healer, left));
  bus.on('broker.broken', (broker) => recordBrokerBroken(healer, broker));
  bus.on('cell.replaced', (cell) => recordCellReplaced(events, cell));
}

function followHealth(bus: HostBus, { healer }: Rooms): void {
  bus.on('origin.changed', () => healer.originsChanged());
  bus.on('chain.refused', healer.chainRefused);
  bus.on('planning.changed', () => healer.schedulesChanged());
}

/** Gives agents with `firstRun` their job when the installation has no job of theirs yet. Never throws. */
function createFirstRuns(needs: {
  store: Pick<JobRecords, 'list'>;
  jobs: Pick<Jobs, 'add'>;
  log: Log;
}): (added: Agent[]) => Promise<void> {
  async function giveFirst({ name, limits }: Agent) {
    const known = await needs.store.list({ agent: name, limit: 1 });
    if (known.length > 0) return;
    // The key makes it one job, however often a host is killed between looking and adding.
    await needs.jobs.add([
      { agent: name, trigger: 'schedule', input: null, key: 'first-run', attempts: limits.attempts },
    ]);
  }

  return async (added) => {
    for (const agent of added.filter(({ firstRun }) => firstRun)) {
      try {
        await giveFirst(agent);
      } catch (error) {
        needs.log.error(`the first run of ${agent.name} could not be queued`, { fault: toPlainFault(error) });
      }
    }
  };
}

/** The labels of a version's series as texts, made when its agent comes into force and not with each attempt. */
function versionLabels(version: string) {
  const endOf = (outcome: string) => labelsText({ version, outcome });
  const ends = { done: endOf('done'), dead: endOf('dead'), retrying: endOf('retrying') };
  return { duration: labelsText({ version }), ends };
}

/** Counts what the rooms tell on the bus. Guest agents are not measured: they are gone with their client. */
function measureRooms(bus: HostBus, { meter, catalog }: MeasureNeeds): void {
  const versions = new Map<string, ReturnType<typeof versionLabels>>();
  const unknown = versionLabels('unknown');

  function rememberVersions() {
    for (const { fingerprint, version } of catalog.agents().values())
      versions.set(fingerprint, versionLabels(version.id));
    for (const fingerprint of versions.keys()) {
      if (versions.size <= MOST_FINGERPRINTS) break;
      versions.delete(fingerprint);
    }
    meter.keep(new Set(catalog.agents().keys()));
  }

  function settled(agent: string, { state, attempts, startedAt, finishedAt, fingerprint = '' }: Settlement) {
    if (state === 'cancelled' || attempts !== undefined || !catalog.agents().has(agent)) return;
    const { ends, duration } = versions.get(fingerprint) ?? unknown;
    meter.count('attempts', { agent, labels: ends[state] });
    if (state === 'done') meter.time('duration', { agent, labels: duration }, finishedAt - startedAt);
  }

  bus.on('agents.changed', rememberVersions);
  bus.on('attempt.settled', ({ end, agent }) => settled(agent, end));
  bus.on('worker.gone', ({ agent }) => {
    if (catalog.agents().has(agent)) meter.count('restarts', { agent });
  });
}
