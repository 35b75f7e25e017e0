import type { Agent } from '../jobs/agent.ts';
import { timetableOf } from '../kernel/cron/timetable.ts';
import { GONE, obsoleteSlots, startCursor, type Unplanned } from './plan.ts';
import type { SlotStore } from './ports.ts';
import type { Scheduled } from './settle.ts';

/** The result of taking over a set of agents. */
interface Adopted {
  scheduledAgents: Map<string, Scheduled>;
  /** Agents whose schedule cannot be kept as written: only a change of their files helps. */
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
  const { scheduledAgents, refused } = readSchedules(agents, known, now);
  for (const agent of before) if (!scheduledAgents.has(agent)) await slots.cancelPlanned(agent, 0, GONE);
  const delayed: Unplanned[] = [];
  await Promise.all(
    scheduledAgents.values().map(async (scheduled) => {
      const { agent } = scheduled;
      const old = known.get(agent);
      if (old?.timetable.key === scheduled.timetable.key) return;
      await begin(slots, scheduled, { newest: newest.get(agent), old, now }).catch((error: unknown) => {
        delayed.push({ agent, error });
      });
    }),
  );
  // A store that is down is no problem of an agent.
  if (delayed.length > 1 && delayed.length === scheduledAgents.size) throw delayed[0]!.error;
  for (const { agent } of delayed) scheduledAgents.delete(agent);
  return { scheduledAgents, refused, delayed };
}

function readSchedules(
  agents: Iterable<Agent>,
  known: ReadonlyMap<string, Scheduled>,
  now: number,
): Pick<Adopted, 'scheduledAgents' | 'refused'> {
  const scheduledAgents = new Map<string, Scheduled>();
  const refused: Unplanned[] = [];
  for (const agent of agents) {
    try {
      const scheduled = scheduledOf(agent, known.get(agent.name), now);
      if (scheduled) scheduledAgents.set(agent.name, scheduled);
    } catch (error) {
      refused.push({ agent: agent.name, error });
    }
  }
  return { scheduledAgents, refused };
}

/** Sets the cursor of an agent whose schedule is new, and cancels slots that it does not ask for. `newest`: its newest live slot. */
async function begin(
  slots: SlotStore,
  scheduled: Scheduled,
  { newest, old, now }: { newest: number | undefined; old: Scheduled | undefined; now: number },
): Promise<void> {
  const { agent } = scheduled;
  if (newest !== undefined && newest > now) scheduled.settledTo = newest;
  const from = newest === undefined || newest <= now ? newest : await newestBy(slots, agent, now);
  const rows = await slots.slots({ agent, from: from ?? now, to: Number.MAX_SAFE_INTEGER });
  const gone = obsoleteSlots(scheduled, rows, now);
  if (gone.length > 0) await slots.decide(gone);
  scheduled.cursor = old ? Math.min(old.cursor, now) : startCursor(from, rows, now);
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
