import { type DrillResult, judgeDrill } from '../../healing/drill-plans.ts';
import type { Agent } from '../../jobs/agent.ts';
import { silentLog } from '../../kernel/log.ts';
import type { Time } from '../../kernel/time.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import { createSchedule } from '../../schedule/schedule.ts';

const HOUR_MS = 3_600_000;

export const CLOCK_PLAN = {
  name: 'clock',
  promise: 'a clock that jumps an hour ahead and back skips no slot in silence and runs none twice',
  promisedMs: 35_000,
};

/**
 * Puts a schedule of its own, on the real store but for the canary's slots alone, through a jump of the clock: real
 * agents are on another schedule, which never sees that clock.
 */
export async function clockDrill(store: SlotStore, agent: Agent, time: Time): Promise<DrillResult> {
  let ahead = 0;
  const shifted: Time = { ...time, now: () => time.now() + ahead };
  const canary = {
    ...agent,
    schedule: { expression: '*/5 * * * * *', timezone: 'UTC', catchUp: 'skip', overlap: 'queue', jitterMs: 0 } as const,
  };
  const slots = onlyOf(store, agent.name);
  const schedule = createSchedule({
    time: shifted,
    log: silentLog,
    slots,
    unfinished: async () => [],
    cancelJob: async () => {},
    woken: () => {},
  });
  schedule.use([canary]);
  const from = shifted.now();
  try {
    await schedule.start();
    await time.sleep(200);
    ahead = HOUR_MS;
    const begun = time.monotonic();
    const account = await settledUpTo(slots, agent.name, from, shifted);
    const repairMs = account.open === 0 ? time.monotonic() - begun : null;
    ahead = 0;
    await time.sleep(200);
    const after = await accountOf(slots, agent.name, from, from + HOUR_MS);
    return judgeDrill(CLOCK_PLAN, {
      detectMs: repairMs,
      repairMs,
      lost: after.holes + after.open,
      left: 0,
      seen: `${after.slots} slots in that hour, each with one end`,
    });
  } finally {
    await schedule.stop();
    await store.cancelPlanned(agent.name, 0, 'the drill is over', time.now());
  }
}

async function settledUpTo(slots: SlotStore, agent: string, from: number, time: Time) {
  const deadline = time.monotonic() + CLOCK_PLAN.promisedMs;
  for (;;) {
    const account = await accountOf(slots, agent, from, time.now() - 5_000);
    if ((account.open === 0 && account.slots > 700) || time.monotonic() > deadline) return account;
    await time.sleep(100);
  }
}

/** Every fifth second of the time must be a row that has ended. */
async function accountOf(slots: SlotStore, agent: string, from: number, to: number) {
  const rows = await slots.slots({ agent, from, to });
  let holes = 0;
  for (let index = 1; index < rows.length; index++) if (rows[index]!.due - rows[index - 1]!.due !== 5_000) holes++;
  return { slots: rows.length, holes, open: rows.filter(({ state }) => state === 'planned').length };
}

/** The store as the drill's schedule may see it: other agents' slots are none of its business. */
function onlyOf(store: SlotStore, agent: string): SlotStore {
  const mine = <T extends { agent: string }>(list: T[]) => list.filter((one) => one.agent === agent);
  return {
    plan: (slots, now) => store.plan(mine(slots), now),
    dueSlots: async (now, limit) =>
      mine(await store.slots({ agent, from: now - 2 * HOUR_MS, to: now + 1, states: ['planned'] })).slice(0, limit),
    // The slots are judged, not worked: their jobs are left out.
    decide: (decisions, now) =>
      store.decide(
        mine(decisions).map(({ job: _, ...decision }) => decision),
        now,
      ),
    cancelPlanned: (name, after, reason, now) =>
      name === agent ? store.cancelPlanned(name, after, reason, now) : Promise.resolve(0),
    newestSlots: async () => mine(await store.newestSlots()),
    nextSlots: async () => mine(await store.nextSlots()),
    slots: async (filter) => mine(await store.slots({ ...filter, agent })),
  };
}
