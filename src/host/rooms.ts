import { dirname, join } from 'node:path';
import { createCatalog } from '../catalog/catalog.ts';
import { createExec } from '../gateway/exec/exec.ts';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Agent } from '../jobs/agent.ts';
import { createJobs } from '../jobs/jobs.ts';
import type { Owner } from '../jobs/ports.ts';
import { VERSIONS_FOLDER } from './api/last-in-force.ts';
import { createStates, findUnscheduled } from './api/states.ts';
import { partsOf } from './backup/parts.ts';
import type { HostBus } from './bus.ts';
import { createCallRouter } from './call-router.ts';
import { cleanUp } from './clean-up.ts';
import { createConfigWatch } from './config/watch.ts';
import { recordConfig } from './config/words.ts';
import { createFleet } from './fleet.ts';
import type { Foundation } from './foundation.ts';
import { createGuests } from './guests.ts';
import { createHealing } from './healing.ts';
import { createHostCalls } from './host-calls.ts';
import type { HostContext } from './host-context.ts';
import type { SafeMode } from './lifecycle/safe-mode.ts';
import { createOutbound } from './outbound.ts';
import { createPlacements } from './placements.ts';
import { createScheduling } from './scheduling.ts';
import { createSetup } from './secrets/setup.ts';
import type { Probation } from './versions/probation.ts';
import { createRollbacks } from './versions/rollbacks.ts';
import { createWorkforce } from './workforce.ts';

export interface RoomsNeeds
  extends Pick<HostContext, 'time' | 'facts' | 'settings' | 'config' | 'pauses'>,
    Pick<Foundation, 'journal' | 'store' | 'events'> {
  bus: HostBus;
  safeMode: SafeMode;
  /** Names this run of the host in leases. */
  owner: Owner;
  /** The host has to start anew. */
  again(why: string): void;
}

/** The rooms of a host, built and not started. Facts go between them by the bus: `subscriptions.ts`. */
export interface Rooms
  extends Pick<
    HostContext,
    | 'catalog'
    | 'guests'
    | 'outbound'
    | 'workers'
    | 'jobs'
    | 'schedule'
    | 'placements'
    | 'states'
    | 'setup'
    | 'healer'
    | 'configWatch'
  > {
  exec: Exec;
  probation: Probation;
  /** The agents in force, and guests while their clients are there. */
  runnableAgents(): ReadonlyMap<string, Agent>;
}

/** Builds each room after those that it calls. */
export function createRooms(needs: RoomsNeeds): Rooms {
  const { time, facts, settings, config, pauses, journal, store, events, bus, safeMode } = needs;
  const { folder } = facts;
  const base = { time, facts, journal, store, events, bus };
  const log = (room: string) => ({ time, log: journal.room(room) });
  const catalog = createCatalog(
    { ...log('catalog'), hostTimezone: () => settings.timezone },
    {
      folder,
      versionsFolder: join(folder, VERSIONS_FOLDER),
      versionsBudgetBytes: () => settings.versions.budgetBytes,
    },
  );
  const runnableAgents = () => new Map([...catalog.agents(), ...guests.agents()]);
  const exec = createExec(
    { ...log('exec'), left: (what) => bus.emit('command.left', journal.scrub.value(what)) },
    { folder, folderId: facts.folderId, runFolder: join(folder, 'data/run') },
  );
  const outbound = createOutbound({ ...base, settings, runnableAgents });
  const setup = createSetup({ ...base, folder, catalog });
  const calls = createCallRouter();
  const workers = createWorkforce(
    { ...base, exec, secrets: setup.secrets, answer: calls.answer },
    { folder, cellSize: settings.cells.size, idleMs: settings.cells.idleMs },
  );
  const placements = createPlacements({ agents: runnableAgents, catalog, safeMode, pauses, setup, workers });
  const { serving, holdOf } = placements;
  const jobs = createJobs(
    { ...log('jobs'), store, workers, agent: serving, holdOf, heldUp: outbound.heldUp },
    { owner: needs.owner },
  );
  const guests = createGuests({ ...base, settings, catalog, jobs }, folder);
  const schedule = createScheduling({ ...base, ...log('schedule'), jobs, placements });
  const { planning } = schedule;
  const healer = createHealing({
    ...base,
    ...log('healing'),
    scrub: journal.scrub,
    ...{ runnableAgents, workers, jobs, schedule },
    isHeld: placements.isHeld,
    cleanUp: () => cleanUp({ journal, catalog }),
    unscheduled: () => findUnscheduled({ time, store, catalog, planning }),
    storeFolder: dirname(facts.store.file),
    origins: outbound.outageSource,
  });
  placements.watch(healer);
  const probation = createRollbacks({ ...base, ...log('probation'), healer, catalog, jobs });
  const states = createStates({ time, store, catalog, placements, healer, planning });
  const fleet = createFleet({
    ...base,
    listings: () => catalog.listings(),
    agents: () => catalog.agents(),
    states: states.all,
    parts: () => partsOf(catalog, store, facts),
  });
  calls.serve(createHostCalls({ ...base, jobs, catalog, fleet, exec, outbound }, () => settings.jobChains));
  const { again } = needs;
  const records = recordConfig(events, healer);
  const configWatch = createConfigWatch({ ...log('probation'), store, config, jobs, again, records });
  return {
    ...{ catalog, guests, outbound, workers, jobs, schedule, placements, states, setup, healer, configWatch },
    ...{ exec, probation, runnableAgents },
  };
}
