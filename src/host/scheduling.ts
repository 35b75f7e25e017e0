import type { Healer } from '../healing/healer.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { UNFINISHED } from '../jobs/model.ts';
import { BOUNDS } from '../kernel/bounds.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { createSchedule, type Schedule } from '../schedule/schedule.ts';
import type { SqliteStore } from '../store/sqlite/store.ts';
import type { SafeMode } from './lifecycle/safe-mode.ts';
import type { Setup } from './secrets/setup.ts';

export interface SchedulingNeeds {
  time: Time;
  log: Log;
  store: SqliteStore;
  jobs: Jobs;
  healer: Pick<Healer, 'holdUp' | 'schedulesChanged'>;
  safeMode: SafeMode;
  setup: Pick<Setup, 'missing'>;
}

/** The schedule, wired to the rooms. */
export function createScheduling({ time, log, store, jobs, healer, safeMode, setup }: SchedulingNeeds): Schedule {
  return createSchedule({
    time,
    log,
    slots: safeMode.slots,
    async unfinished(agent) {
      const states = [...UNFINISHED];
      const found = await store.list({ agent, states, ofSlots: true, limit: BOUNDS.queuedSlots.most });
      return found.map(({ id, slot }) => ({ id, slot }));
    },
    async cancelJob(id, why) {
      const held = safeMode.isOn() && safeMode.holds((await store.get(id))?.agent ?? '');
      if (!held) await jobs.cancel(id, why);
    },
    woken: (agents) => agents.forEach(jobs.wake),
    holdUp: (agent, due) => setup.missing(agent)?.message ?? healer.holdUp(agent, due),
    troublesChanged: healer.schedulesChanged,
  });
}
