import { statfs } from 'node:fs/promises';
import type { Catalog } from '../catalog/ports.ts';
import { createHealer, type Healer, type HealerNeeds } from '../healing/healer.ts';
import type { MachineResources } from '../healing/machine-resources.ts';
import type { OutageSource } from '../healing/ports.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Scrubber } from '../kernel/scrub.ts';
import { formatSize } from '../kernel/units.ts';
import type { Schedule } from '../schedule/schedule.ts';
import type { StorePorts } from '../store/ports.ts';
import type { Events } from '../telemetry/events.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { Workers } from '../workers/ports.ts';
import type { HostBus } from './bus.ts';

interface HealingNeeds extends Pick<HealerNeeds, 'owner' | 'time' | 'log' | 'cleanUp' | 'isHeld' | 'leastPriority'> {
  store: StorePorts;
  events: Events;
  scrub: Pick<Scrubber, 'value'>;
  /** Agents that may have jobs. */
  runnableAgents(): ReadonlyMap<string, Agent>;
  workers: Workers;
  jobs: Pick<Jobs, 'wake'>;
  schedule: Pick<Schedule, 'planAgain'>;
  bus: Pick<HostBus, 'emit'>;
  /** Where the store is: its disk is looked at. */
  storeFolder: string;
  /** Servers that agents call. */
  origins: OutageSource;
  /** Agents with a schedule and without a next slot. */
  unscheduled: NonNullable<HealerNeeds['unscheduled']>;
}

/** The healer, wired to the rooms. */
export function createHealing({ time, log, events, runnableAgents, cleanUp, ...needs }: HealingNeeds): Healer {
  const { workers, jobs, schedule, bus } = needs;
  return createHealer({
    owner: needs.owner,
    time,
    log,
    events,
    store: withoutSecrets(needs.store, needs.scrub),
    agent: (name) => runnableAgents().get(name),
    isHeld: needs.isHeld,
    isExempt: (name) =>
      needs.isHeld(name) || workers.view().workers.some((worker) => worker.agent === name && worker.job !== null),
    wake: (name) => jobs.wake(name),
    recycle: (worker, why) => workers.recycle?.(worker, why),
    ownCell: (name) => workers.ownCell?.(name),
    leastPriority: needs.leastPriority,
    disk: () => diskRoomOf(needs.storeFolder),
    dropIdle(agent) {
      const why = { code: 'RECYCLED', message: 'its work is late' };
      for (const one of workers.view().workers) {
        if (one.agent === agent && one.is === 'idle') workers.recycle?.(one.worker, why);
      }
    },
    cleanUp,
    unscheduled: needs.unscheduled,
    planAgain: (agent) => schedule.planAgain(agent),
    restrictionsChanged: () => bus.emit('placement.changed', []),
    origins: needs.origins,
  });
}

/** A store in which incidents are written without secrets. */
function withoutSecrets(store: StorePorts, scrub: Pick<Scrubber, 'value'>): StorePorts {
  return {
    ...store,
    openIncident: (incident, ...rest) => store.openIncident(scrub.value(incident), ...rest),
    updateIncident: (incident, ...rest) => store.updateIncident(scrub.value(incident), ...rest),
  };
}

/** The disk of a folder. */
export async function diskRoomOf(folder: string): Promise<Pick<MachineResources, 'diskFree' | 'diskTotal'>> {
  const { bavail, bfree, blocks, bsize } = await statfs(folder);
  return {
    diskFree: bavail * bsize,
    // As df counts: blocks that nobody but root or another user may have are no part of it.
    diskTotal: (blocks - bfree + bavail) * bsize,
  };
}

interface CleanUpNeeds {
  journal: Pick<Journal, 'shrink'>;
  catalog: Pick<Catalog, 'shrink'>;
}

/**
 * Frees disk space: half of the logs, and versions that are not in use; never backups, jobs or files of agents, which a person
 * may delete. Resolves with the result in words.
 */
export async function cleanUp({ journal, catalog }: CleanUpNeeds): Promise<string> {
  const freed = [
    { what: 'logs', bytes: journal.shrink() },
    { what: 'old versions', bytes: await catalog.shrink() },
  ].filter(({ bytes }) => bytes > 0);
  if (freed.length === 0) return 'nothing is left that may be deleted: a person has to make room';
  return `given back: ${freed.map(({ what, bytes }) => `${formatSize(bytes)} of ${what}`).join(', ')}`;
}
