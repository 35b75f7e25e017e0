import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { createCatalog } from '../catalog/catalog.ts';
import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import type { Catalog } from '../catalog/ports.ts';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Models } from '../gateway/models/models.ts';
import type { Healer } from '../healing/healer.ts';
import type { MachineResources } from '../healing/machine-resources.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Batches } from '../jobs/batches.ts';
import { createJobs, type Jobs } from '../jobs/jobs.ts';
import type { Owner } from '../jobs/ports.ts';
import type { Log } from '../kernel/log.ts';
import type { LoopAges } from '../kernel/pulse.ts';
import type { Time } from '../kernel/time.ts';
import type { Schedule } from '../schedule/schedule.ts';
import type { Aggregation } from '../telemetry/aggregation.ts';
import { createHeartbeats, type Heartbeats } from '../telemetry/heartbeats.ts';
import type { Workers, WorkersNeeds } from '../workers/ports.ts';
import { type AlwaysAgents, createAlwaysAgents } from './always-agents.ts';
import { createHoldUps } from './api/hold-ups.ts';
import { createStates, findUnscheduled, type States } from './api/states.ts';
import { partsOf } from './backup/parts.ts';
import { createHostBatches } from './batches.ts';
import { type Billing, createBilling } from './bill/billing.ts';
import type { HostBus } from './bus.ts';
import type { ConfigInUse } from './config/in-use.ts';
import { type ConfigWatch, createConfigWatch, recordConfig } from './config/watch.ts';
import { type HostFacts, VERSIONS_FOLDER } from './facts.ts';
import { createFleet, type FleetView } from './fleet.ts';
import type { Foundation } from './foundation.ts';
import { createGuests, type Guests } from './guests.ts';
import { cleanUp, createHealing, diskRoomOf } from './healing.ts';
import { createHeldUp } from './held-up.ts';
import { createHostCalls } from './host-calls.ts';
import { createHostEvents, type HostEvents } from './host-events.ts';
import { createHostExec } from './host-exec.ts';
import { createHostWorkers } from './host-workers.ts';
import { createKeptBytes, type KeptBytes } from './kept-bytes.ts';
import type { SafeMode } from './lifecycle/safe-mode.ts';
import { createLogLevels, type LogLevels } from './log-levels.ts';
import type { LoopDelay } from './loop-delay.ts';
import { createModelAgents, type ModelAgents, outagesOf } from './models/model-agents.ts';
import { createModelDrills, type ModelDrills } from './models/model-drills.ts';
import { createHostModels } from './models/models.ts';
import { createMountWatch, type MountWatch } from './mounts/watch.ts';
import { createOutbound, type Outbound } from './outbound.ts';
import type { Pauses } from './pauses.ts';
import { createPlacements, type Placements } from './placements.ts';
import { createHostPressure, type HostPressure } from './pressure.ts';
import { createHostAggregation } from './readings.ts';
import { createScaling, type Scaling } from './scaling.ts';
import { createScheduling } from './scheduling.ts';
import { createSetup, type Setup } from './secrets/setup.ts';
import type { Probation } from './versions/probation.ts';
import { createRollbacks } from './versions/rollbacks.ts';
import { readQuantities } from './warnings/quantities.ts';
import { createHostWarnings } from './warnings/sources.ts';
import type { EarlyWarnings } from './warnings/warnings.ts';

/** The parts of the host on which rooms are built. */
export interface RoomsNeeds extends Pick<Foundation, 'journal' | 'store' | 'events' | 'meter'> {
  time: Time;
  facts: HostFacts;
  settings: HostSettings;
  config: ConfigInUse;
  pauses: Pauses;
  bus: HostBus;
  safeMode: SafeMode;
  /** Names this run of the host in leases. */
  owner: Owner;
  /** How long ago each loop of the host last turned, in ms. */
  loopAges(): LoopAges;
  /** The host has to start anew. */
  again(why: string): void;
}

/** The rooms of a host, built and not started. Facts go between them by the bus: `subscriptions.ts`. */
export interface Rooms {
  catalog: Catalog;
  /** Agents that a client brought. */
  guests: Guests;
  /** The calls that agents make to other servers. */
  outbound: Outbound;
  exec: Exec;
  /** The models that agents ask. */
  models: Models;
  modelAgents: ModelAgents;
  /** Agents that lack a secret, and the secrets. */
  /** File systems that agents name and that may not answer. */
  mounts: MountWatch;
  setup: Setup;
  workers: Workers;
  logLevels: LogLevels;
  placements: Placements;
  scaling: Scaling;
  jobs: Jobs;
  batches: Batches;
  schedule: Schedule;
  healer: Healer;
  /** The rung of pressure. */
  pressure: HostPressure;
  probation: Probation;
  /** Gives agents their jobs of what happens in the host. */
  hostEvents: HostEvents;
  /** The jobs of agents that run always. */
  alwaysAgents: AlwaysAgents;
  states: States;
  fleet: FleetView;
  /** Drills that ask real models. */
  modelDrills: ModelDrills;
  /** State of each agent in the store, within its budget. */
  kept: KeptBytes;
  configWatch: ConfigWatch;
  /** The last signs of life of agents and programs outside. */
  heartbeats: Heartbeats;
  aggregation: Aggregation;
  /** The spend of agents and their use of the machine. */
  billing: Billing;
  earlyWarnings: EarlyWarnings;
  loopDelay: LoopDelay;
  /** The agents in force, and guests while their clients are there. */
  runnableAgents(): ReadonlyMap<string, Agent>;
}

/** Builds each room after those that it calls. */
export function createRooms(needs: RoomsNeeds): Rooms {
  const { time, facts, settings, config, pauses, journal, store, events, meter, bus, safeMode } = needs;
  const { folder } = facts;
  const base = { time, facts, journal, store, events, meter, bus };
  const log = (room: string) => ({ time, log: journal.child(room) });
  const catalog = createHostCatalog({ ...log('catalog'), settings }, folder);
  const runnableAgents = () => {
    const visiting = guests.agents();
    return visiting.size === 0 ? catalog.agents() : new Map([...catalog.agents(), ...visiting]);
  };
  const exec = createHostExec({ ...base, ...log('exec'), settings });
  const outbound = createOutbound({ ...base, settings, runnableAgents });
  const modelAgents = createModelAgents({ ...base, runnableAgents, models: () => models, workers: () => workers });
  const mounts = createMountWatch({ ...base, ...log('workers'), folder, agents: runnableAgents });
  const setup = createSetup({ ...base, folder, catalog, lacksModels: modelAgents.lacks, mounts });
  const billing = createBilling({ ...base, settings, catalog, runnableAgents });
  const models = createHostModels({
    ...{ ...base, settings, outbound, secrets: setup.secrets, ledger: billing.calls },
    holds: (worker, ref) => workers.holds?.(worker, ref) === true,
    refused: modelAgents.waits.refused,
    answered: modelAgents.waits.answered,
    listens: modelAgents.listens,
    provenAt: (rung) => modelDrills.provenAt(rung),
  });
  // Calls come from started workers: the rooms that answer them are built before.
  const answer: WorkersNeeds['answer'] = (call, by) => answerCall(call, by);
  const workers = createHostWorkers({ ...base, settings, exec, setup, answer, models: modelAgents.open });
  const scaling = createScaling({
    ...{ ...base, ...log('scaling'), agents: runnableAgents, workers },
    isHeld: (name) => placements.isHeld(name),
    growth: () => pressure.facts()?.growth ?? 'free',
    room: () => workers.room?.() ?? Number.POSITIVE_INFINITY,
  });
  const placements = createPlacements({ agents: runnableAgents, catalog, safeMode, pauses, setup, workers, scaling });
  const { serving, holdOf } = placements;
  const heldUp = createHeldUp({ time, outbound, waits: modelAgents.waits, runnableAgents });
  const jobs = createJobs({ ...log('jobs'), store, workers, agent: serving, holdOf, heldUp }, { owner: needs.owner });
  const batches = createHostBatches({ ...base, ...log('jobs'), catalog });
  const guests = createGuests({ ...base, settings, catalog, jobs }, folder);
  const pressureFacts = () => pressure.facts();
  const schedule = createScheduling({ ...base, ...log('schedule'), jobs, placements, pressureFacts });
  const { planning } = schedule;
  const healer = createHealing({
    ...base,
    ...log('healing'),
    scrub: journal.scrub,
    ...{ runnableAgents, workers, jobs, schedule },
    owner: needs.owner,
    isHeld: placements.isHeld,
    leastPriority: () => pressureFacts()?.leastPriority,
    cleanUp: () => cleanUp({ journal, catalog }),
    unscheduled: () => findUnscheduled({ time, store, catalog, planning }),
    storeFolder: dirname(facts.store.file),
    origins: outagesOf([outbound.outageSource, modelAgents.waits.outageSource]),
  });
  const pressure = createHostPressure({ ...base, ...log('pressure'), settings, healer, workers, runnableAgents });
  placements.watch(healer, pressure);
  const probation = createRollbacks({ ...base, ...log('probation'), healer, catalog, jobs });
  const hostEvents = createHostEvents({ ...base, ...log('events'), catalog });
  const holdUpsOf = createHoldUps({ ...base, catalog, placements, workers });
  const states = createStates({ ...base, catalog, placements, healer, planning, holdUpsOf });
  const fleet = createFleet({
    ...{ ...base, settings, healer, catalog, runnableAgents },
    listings: () => catalog.listings(),
    agents: () => catalog.agents(),
    states: states.all,
    parts: () => partsOf(catalog, store, facts),
  });
  const modelDrills = createModelDrills({ ...base, ...log('model drills'), settings, models, runnableAgents });
  const kept = createKeptBytes({ time, store, most: () => settings.state.budgetBytes });
  const answering = { ...base, jobs, catalog, fleet, exec, outbound, kept, pressure };
  const answerCall = createHostCalls(answering, () => settings.jobChains);
  const heartbeats = createHeartbeats({ ...log('heartbeats'), store, loopAges: needs.loopAges });
  const running = { catalog, jobs, placements, healer, probation, heartbeats };
  const alwaysAgents = createAlwaysAgents({ ...base, ...log('always'), ...running });
  const { aggregation, loopDelay } = createHostAggregation({ ...base, workers, ledger: billing.ledger });
  const room = () => machineResourcesOf(dirname(facts.store.file));
  const quantities = () => readQuantities({ room, facts, workers, budgets: billing.ledger.budgets });
  const warning = { ...base, ...log('warnings'), healer, catalog, billing, room, quantities };
  const earlyWarnings = createHostWarnings(warning);
  const records = recordConfig(events, healer);
  const configWatch = createConfigWatch({ ...log('probation'), store, config, jobs, again: needs.again, records });
  return {
    ...{
      catalog,
      guests,
      outbound,
      exec,
      models,
      modelAgents,
      mounts,
      setup,
      workers,
      logLevels: createLogLevels({ time, workers, agents: runnableAgents }),
      placements,
      scaling,
      jobs,
      batches,
      schedule,
      healer,
      pressure,
      probation,
    },
    ...{
      hostEvents,
      alwaysAgents,
      states,
      fleet,
      modelDrills,
      kept,
      configWatch,
      heartbeats,
      aggregation,
      billing,
      earlyWarnings,
      loopDelay,
      runnableAgents,
    },
  };
}

/** The catalog of a folder, by the settings of the host. */
function createHostCatalog({ time, log, settings }: { time: Time; log: Log; settings: HostSettings }, folder: string) {
  return createCatalog(
    { time, log, hostTimezone: () => settings.timezone },
    {
      folder,
      versionsFolder: join(folder, VERSIONS_FOLDER),
      versionsBudgetBytes: () => settings.versions.budgetBytes,
      linkFolders: settings.links.folders,
    },
  );
}

/** Memory and disk, by a container's bounds where there are any, else the machine's. */
async function machineResourcesOf(folder: string): Promise<MachineResources> {
  const bound = process.constrainedMemory();
  return {
    memoryFree: process.availableMemory(),
    memoryTotal: bound > 0 && bound < totalmem() ? bound : totalmem(),
    ...(await diskRoomOf(folder)),
  };
}
