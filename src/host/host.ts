import { realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createCatalog } from '../catalog/catalog.ts';
import type { CatalogChange } from '../catalog/ports.ts';
import { createExec } from '../gateway/exec/exec.ts';
import { createJobs } from '../jobs/jobs.ts';
import { Fault } from '../kernel/fault.ts';
import type { Service } from '../kernel/service.ts';
import { machineTime } from '../kernel/time.ts';
import { createRetention } from '../telemetry/retention.ts';
import { VERSIONS_FOLDER } from './api/last-in-force.ts';
import { openControl } from './api/open-control.ts';
import { createStates } from './api/states.ts';
import { partsOf } from './backup/parts.ts';
import { cleanUp } from './clean-up.ts';
import { createConfigWatch } from './config/watch.ts';
import { recordConfig } from './config/words.ts';
import { factsOf } from './facts.ts';
import { createFirstRuns } from './first-runs.ts';
import { createFleet } from './fleet.ts';
import { openFoundation } from './foundation.ts';
import { createGuests } from './guests.ts';
import { createHealing, recordHostLost, recordLeftProcess } from './healing.ts';
import { createHostCalls } from './host-calls.ts';
import type { HostContext } from './host-context.ts';
import { createLag } from './lag.ts';
import { watchOwnHandles } from './lifecycle/own-handles.ts';
import { agesOf } from './lifecycle/pulse.ts';
import { createSafeMode } from './lifecycle/safe-mode.ts';
import { PROVEN_MS, reasonForSafeMode, recordLostHosts, type Starts } from './lifecycle/starts.ts';
import type { HandlesWatch } from './lifecycle/watch-handles.ts';
import { watchedBy } from './lifecycle/watched.ts';
import { watchOrphans } from './orphans.ts';
import { createOutbound } from './outbound.ts';
import { createPauses } from './pauses.ts';
import { createPlacements } from './placements.ts';
import type { Host, HostOptions } from './ports.ts';
import { recordOutcomes } from './record-outcomes.ts';
import { recordStart } from './record-start.ts';
import { createScheduling } from './scheduling.ts';
import { createSetup } from './secrets/setup.ts';
import { createShutdownStack } from './shutdown-stack.ts';
import { createRollbacks } from './versions/rollbacks.ts';
import { createWorkforce } from './workforce.ts';
import { zoneWarning } from './zone-warning.ts';

const DRAIN_MS = 10_000;

/**
 * Builds the rooms, starts them in order and takes over what an earlier host left. Rejects with a Fault when the folder
 * cannot carry a host, with nothing left running.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const folder = realpathSync(resolve(options.folder));
  const { config, watched = watchedBy(undefined, undefined), loops = new Map<string, Service>() } = options;
  const { settings } = config;
  const time = machineTime;
  const facts = factsOf(folder, settings, watched, time.now());
  let drainMs = DRAIN_MS;
  let starts: Starts | undefined;
  let held: HandlesWatch | undefined;
  const order = createShutdownStack(loops);
  const { onStop, startService, unwind } = order;

  try {
    const selection = config.selection();
    // Lost hosts are the bad settings' own: the first host without them must not begin in safe mode.
    const forget = watched.afresh || (selection.is === 'taken-back' && selection.isNew);
    const needs = { time, facts, settings, watched, forget, order, ending: options.ending };
    const below = await openFoundation(needs, (counted) => {
      starts = counted;
      config.begun({ afresh: watched.afresh, now: time.now() });
    });
    const { journal, log, store, events, lock } = below;
    const foundation = { time, facts, journal, store, events };
    const catalog = createCatalog(
      { time, log: journal.room('catalog'), hostTimezone: () => settings.timezone },
      {
        folder,
        versionsFolder: join(folder, VERSIONS_FOLDER),
        versionsBudgetBytes: () => settings.versions.budgetBytes,
      },
    );
    const safeMode = createSafeMode(reasonForSafeMode(watched, starts!), facts.startedAt);
    const pauses = await createPauses({ time, store, ended: (agent) => released([agent]) });
    const setup = createSetup({ time, journal, folder, catalog, workers: () => workers, changed: released });
    onStop('pauses', () => pauses.stop());

    const guests = createGuests({ ...foundation, settings, catalog, jobs: () => jobs, changed: useGuests }, folder);
    onStop('guests', () => guests.stop());
    /** Every agent that may have jobs: the agents in force, and guests while their clients are there. */
    const runnableAgents = () => new Map([...catalog.agents(), ...guests.agents()]);
    const exec = createExec(
      { time, log: journal.room('exec'), left: (what) => recordLeftProcess(healer, what) },
      { folder, folderId: facts.folderId, runFolder: join(folder, 'data/run') },
    );
    await startService('exec', exec);
    const outbound = createOutbound({ time, journal, settings, runnableAgents, healer: () => healer });
    const healer = createHealing({
      time,
      log: journal.room('healing'),
      store,
      events,
      runnableAgents,
      cleanUp: () => cleanUp({ journal, catalog }),
      rooms: () => ({ workers, jobs, schedule }),
      unscheduled: () => states.unscheduled(),
      isHeld: (agent) => placements.isHeld(agent),
      storeFolder: dirname(facts.storeFile),
      useWorkers,
      origins: outbound.outageSource,
    });
    const probation = createRollbacks({
      time,
      log: journal.room('probation'),
      events,
      healer,
      catalog,
      store,
      jobs: () => jobs,
      useWorkers,
    });
    const answering = { jobs: () => jobs, answers: () => answers };
    const workers = createWorkforce(
      { ...foundation, ...answering, exec, outbound, healer, probation, secrets: setup.secrets, apart: useWorkers },
      { folder, cellSize: settings.cells.size, idleMs: settings.cells.idleMs },
    );
    const placements = createPlacements({ agents: runnableAgents, catalog, safeMode, pauses, setup, healer, workers });
    const owner = { host: 'local', run: `${process.pid}-${facts.startedAt.toString(36)}` };
    const jobs = createJobs(
      {
        time,
        log: journal.room('jobs'),
        store,
        workers,
        agent: placements.serving,
        holdOf: placements.holdOf,
        heldUp: outbound.heldUp,
      },
      { owner },
    );
    const schedule = createScheduling({ time, log: journal.room('schedule'), store, jobs, healer, placements });
    const states = createStates({ time, store, catalog, placements, healer, planning: schedule.planning });
    const fleet = createFleet({
      time,
      store,
      listings: () => catalog.listings(),
      agents: () => catalog.agents(),
      states: states.all,
      parts: () => partsOf(catalog, facts),
      facts,
    });
    const answers = createHostCalls(
      { ...foundation, jobs, healer, catalog, fleet, exec, outbound },
      () => settings.jobChains,
    );
    const firstRuns = createFirstRuns({ store, jobs, log });
    const orphans = watchOrphans({ ...foundation, catalog });
    const again = (why: string) => options.ending(why, false, true);
    config.onLive(({ logs }) => {
      journal.level(logs.level);
      journal.budget(logs.budgetBytes);
    });
    const configWatch = createConfigWatch({
      ...{ time, store, config, jobs, again },
      log: journal.room('probation'),
      records: recordConfig(events, healer),
    });

    function inForce(change: CatalogChange) {
      const agents = [...catalog.agents().values()];
      setup.use();
      healer.use(runnableAgents());
      outbound.use();
      probation.use();
      useWorkers();
      schedule.use(agents);
      for (const { name } of [...change.added, ...change.changed.map(({ after }) => after)]) jobs.wake(name);
      void firstRuns(change.added);
      void orphans();
    }

    function useGuests() {
      healer.use(runnableAgents());
      outbound.use();
      useWorkers();
    }

    function useWorkers() {
      placements.apply();
    }

    /** Jobs of these agents may start now. */
    function released(names: readonly string[]) {
      useWorkers();
      for (const name of names) jobs.wake(name);
    }

    await startService('healing', healer);
    below.asides.tellTo(healer);
    outbound.takeOver(healer.open());
    const abandoned = (await store.abandoned(owner)).map(({ id }) => id);
    await startService('workers', workers);
    catalog.onChange(inForce);
    await startService('secrets', setup.service);
    await startService('catalog', catalog);
    await startService('jobs', jobs);
    onStop('draining workers', () => workers.drain(drainMs));
    await startService('schedule', schedule);
    await startService('retention', createRetention({ time, log, store }, settings.retention));
    jobs.onSettled(recordOutcomes(log));
    jobs.onSettled(healer.settled);
    jobs.onSettled(probation.settled);
    await startService('probation', probation);

    const lag = createLag();
    onStop('lag', () => lag.stop());
    const hostContext: HostContext = {
      facts,
      settings,
      config,
      configWatch,
      time,
      store,
      asides: below.asides,
      journal,
      events,
      catalog,
      guests,
      outbound,
      workers,
      jobs,
      schedule,
      pauses,
      placements,
      async resume(agent) {
        if (safeMode.release(agent)) released([agent]);
        else await pauses.resume(agent);
      },
      states,
      setup,
      healer,
      lag,
      lastWords: recordLostHosts(events, watched.lost, starts!.lost),
      ages: () => agesOf(loops, time.monotonic()),
      warnings: () => [
        ...watched.warning(),
        ...(held?.warnings() ?? []),
        ...config.warning(),
        ...zoneWarning(config.origins()),
        ...safeMode.warning(catalog.agents().keys()),
      ],
      stop: () => options.ending('asked to stop', false),
    };
    recordHostLost(healer, hostContext.lastWords, abandoned);
    const control = await openControl(hostContext);
    onStop('control socket', () => control.close());
    held = watchOwnHandles({ foundation: below, hostContext, control, again, end: options.gone });
    await startService('held files', held);
    lock.claim.say('working');
    const proven = time.after(PROVEN_MS, () => {
      starts!.proven();
      config.worked();
    });
    onStop('proof', proven);
    await startService('config probation', configWatch);
    recordStart(hostContext);

    return {
      hostContext,
      async stop(failed = false, ms = DRAIN_MS) {
        drainMs = ms;
        lock.claim.say('stopping');
        if (!failed) {
          starts?.over(lock.claim.placeNow());
          config.ended();
        }
        events.record('info', { kind: 'host.stopped', agent: null, message: 'host stops' });
        await unwind();
      },
    };
  } catch (error) {
    // What is told with its reason is a refusal: no other start would do better, and none is counted.
    if (error instanceof Fault && starts) {
      starts.refused();
      config.ended();
    }
    await unwind();
    throw error;
  }
}
