import type { Agent } from '../jobs/agent.ts';
import { timetableOf } from '../kernel/cron/timetable.ts';
import { GONE, obsoleteSlots, startCursor, type Unplanned } from './plan.ts';
import type { SlotStore } from './ports.ts';
import type { Scheduled } from './settle.ts';

/** The result of taking over a set of agents. */
interface Adopted {
  scheduledAgents: Map<string, Scheduled>;
  /** Agents whose schedule cannot be kept as it is written: nothing but a change of their files helps. */
  refused: Unplanned[];
  /** Agents whose slots could not be read or written just now: they are to be tried again. */
  delayed: Unplanned[];
}

/**
 * Takes over the agents in force, in place of those in `known`: the cursor of each begins where its slots end, and
 * slots that no schedule asks for any more are cancelled. An error of one agent costs no other agent; it rejects only
 * when nothing could be done for any. `isFirst`: nothing is known of what was planned before.
 */
export async function adoptAgents(
  slots: SlotStore,
  agents: Iterable<Agent>,
  known: ReadonlyMap<string, Scheduled>,
  isFirst: boolean,
  now: number,
): Promise<Adopted> {
  const newest = new Map((await slots.newestSlots()).map(({ agent, due }) => [agent, due]));
  const before = isFirst ? (await slots.nextSlots()).map(({ agent }) => agent) : [...known.keys()];
  const scheduledAgents = new Map<string, Scheduled>();
  const refused: Unplanned[] = [];
  const delayed: Unplanned[] = [];
  for (const agent of agents) {
    try {
      const scheduled = scheduledOf(agent, known.get(agent.name), now);
      if (scheduled) scheduledAgents.set(agent.name, scheduled);
    } catch (error) {
      refused.push({ agent: agent.name, error });
    }
  }
  for (const agent of before) if (!scheduledAgents.has(agent)) await slots.cancelPlanned(agent, 0, GONE);
  const fresh = [...scheduledAgents.values()].filter((scheduled) => !isSame(scheduled, known.get(scheduled.agent)));
  await Promise.all(
    fresh.map((scheduled) =>
      begin(scheduled).catch((error: unknown) => {
        delayed.push({ agent: scheduled.agent, error });
      }),
    ),
  );
  // A store that is down is nobody's own problem.
  if (delayed.length > 1 && delayed.length === scheduledAgents.size) throw delayed[0]!.error;
  for (const { agent } of delayed) scheduledAgents.delete(agent);
  return { scheduledAgents, refused, delayed };

  async function begin(scheduled: Scheduled) {
    const { agent } = scheduled;
    const due = newest.get(agent);
    if (due !== undefined && due > now) scheduled.settledTo = due;
    const from = due === undefined || due <= now ? due : await newestBy(slots, agent, now);
    const rows = await slots.slots({ agent, from: from ?? now, to: Number.MAX_SAFE_INTEGER });
    const gone = obsoleteSlots(scheduled, rows, now);
    if (gone.length > 0) await slots.decide(gone);
    const old = known.get(agent);
    scheduled.cursor = old ? Math.min(old.cursor, now) : startCursor(from, rows, now);
  }
}

/**
 * The agent's newest live slot that is not after `now`. Not the newest of all: between this one and that there can
 * be slots without a row, when the schedule changed or the clock was ahead for a while.
 */
async function newestBy(slots: SlotStore, agent: string, now: number): Promise<number | undefined> {
  for (let reach = 600_000; ; reach *= 8) {
    const rows = await slots.slots({ agent, from: Math.max(0, now - reach), to: now + 1 });
    const live = rows.findLast(({ state }) => state !== 'cancelled');
    if (live || reach > now) return live?.due;
  }
}

function scheduledOf(agent: Agent, known: Scheduled | undefined, now: number): Scheduled | undefined {
  const { schedule } = agent;
  if (!schedule) return undefined;
  // With a thousand agents, one save must not parse all schedules anew.
  const timetable = known?.asking.schedule === schedule ? known.timetable : timetableOf(schedule);
  const { cursor = now, settledTo = 0 } = known ?? {};
  return { agent: agent.name, timetable, cursor, settledTo, asking: { ...agent, schedule } };
}

function isSame(a: Scheduled, b: Scheduled | undefined): boolean {
  return b !== undefined && a.timetable.key === b.timetable.key;
}
