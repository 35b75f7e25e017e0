import { CATCH_UP_PRIORITY, type PressureFacts } from '../healing/pressure/pressure.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { createSchedule, type Schedule } from '../schedule/schedule.ts';
import type { Store } from '../store/ports.ts';
import type { HostBus } from './bus.ts';
import type { HostFacts } from './facts.ts';
import type { Placements } from './placements.ts';

interface SchedulingNeeds {
  time: Time;
  log: Log;
  store: Store;
  jobs: Jobs;
  placements: Pick<Placements, 'holdOf' | 'letThrough' | 'serving'>;
  pressureFacts(): PressureFacts | undefined;
  bus: Pick<HostBus, 'emit'>;
  facts: Pick<HostFacts, 'startedAt'>;
}

/** The schedule, wired to the rooms. */
export function createScheduling({ time, log, store, jobs, placements, bus, ...needs }: SchedulingNeeds): Schedule {
  return createSchedule({
    time,
    log,
    slots: store,
    cancelJob: async (id, why) => void (await jobs.cancel(id, why)),
    holdOf: placements.holdOf,
    letThrough: placements.letThrough,
    startedAt: needs.facts.startedAt,
    catchUpPriority: (agent) =>
      needs.pressureFacts()?.pausesCatchUp && placements.serving(agent)?.class !== 'critical'
        ? CATCH_UP_PRIORITY
        : undefined,
    troublesChanged: () => bus.emit('planning.changed', undefined),
  });
}
