import type { Agent } from '../jobs/agent.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Log } from '../kernel/log.ts';
import { adoptAgents } from './adopt.ts';
import { planAhead, type SlotRef, slotsWithoutRow, type Unplanned } from './plan.ts';
import { createTroubles, type Trouble } from './planning.ts';
import type { SlotStore } from './ports.ts';
import { type Scheduled, type SettleNeeds, settleSlots } from './settle.ts';

/** The agents whose schedules are kept, each with the time up to which its slots are rows. */
interface ScheduledAgents {
  get(agent: string): Scheduled | undefined;
  all(): Iterable<Scheduled>;
  /** Whether this set of agents was taken over, and not another one since. */
  isAdopted(agents: ReadonlyMap<string, Agent>): boolean;
  /** Why the agent's slots are not planned. */
  troubleOf(agent: string): Trouble | undefined;
  /**
   * Takes the agents over, settles the slots that are due at `now`, writes slots ahead. Returns in how many ms the next one is
   * due. Rejects when nothing could be done for any agent; a fault of one agent costs no other.
   */
  look(agents: ReadonlyMap<string, Agent>, now: number, signal: AbortSignal): Promise<number>;
}

interface ScheduledAgentsNeeds extends SettleNeeds {
  log: Log;
  slots: SlotStore;
  troublesChanged?(): void;
}

const RETRY_MS = 1_000;
/** Longest time between two looks. */
export const LONGEST_SLEEP_MS = 30_000;
const ROWS_AT_ONCE = 1_000;
/** After an absence, so many missed slots of each agent become rows one by one. */
const MOST_MISSED = 1_000;

/** The slots of an agent that nobody planned: no host was up. */
interface Absence {
  scheduled: Scheduled;
  rows: (SlotRef & { note?: string })[];
}

export function createScheduledAgents(needs: ScheduledAgentsNeeds, horizonMs: number): ScheduledAgents {
  const { log, slots } = needs;
  const scheduledAgents = new Map<string, Scheduled>();
  /** The set that was taken over last, and its agents that could not be taken over yet. */
  let adopted: { agents: ReadonlyMap<string, Agent>; delayed: ReadonlySet<string> } | undefined;
  const troubles = createTroubles(log, () => needs.troublesChanged?.());

  async function adopt(agents: ReadonlyMap<string, Agent>, now: number): Promise<ReadonlySet<string>> {
    if (adopted?.agents === agents && adopted.delayed.size === 0) return adopted.delayed;
    const answer = await adoptAgents(slots, agents.values(), scheduledAgents, adopted === undefined, now);
    troubles.replace('adopting', [...answer.refused, ...answer.delayed], now);
    scheduledAgents.clear();
    for (const [name, scheduled] of answer.scheduledAgents) scheduledAgents.set(name, scheduled);
    adopted = { agents, delayed: new Set(answer.delayed.map(({ agent }) => agent)) };
    return adopted.delayed;
  }

  async function settleRows(delayed: ReadonlySet<string>, now: number) {
    for (;;) {
      const all = await slots.dueSlots(now, ROWS_AT_ONCE);
      // Slots of an agent that could not be taken over yet wait for that agent.
      const rows = all.filter(({ agent }) => !delayed.has(agent));
      if (rows.length === 0) return;
      const { ended } = await settleSlots(needs, scheduledAgents, rows, now);
      // A store that goes on offering what is settled must not keep the loop here for ever.
      if (all.length < ROWS_AT_ONCE || ended === 0) return;
    }
  }

  /**
   * Gives every slot of a time when no host was up its row and its end, oldest first: a crash leaves no hole. A fault of one
   * agent costs no other agent; a fault of all agents is no agent's own.
   */
  async function settleAbsences(now: number, signal: AbortSignal): Promise<Unplanned[]> {
    const failed: Unplanned[] = [];
    const absences: Absence[] = [];
    for (const scheduled of scheduledAgents.values()) {
      try {
        absences.push(...absenceOf(scheduled, now));
      } catch (error) {
        failed.push({ agent: scheduled.agent, error });
      }
    }
    for (const group of inGroups(absences)) {
      if (signal.aborted) break;
      const unsettled = await settleTogether(group, now).catch(() => settleOneByOne(group, now));
      failed.push(...unsettled);
    }
    if (failed.length > 1 && failed.length === scheduledAgents.size) throw failed[0]!.error;
    return failed;
  }

  /** The slots without a row of an agent, none or one list; with a line in the log. */
  function absenceOf(scheduled: Scheduled, now: number): Absence[] {
    const { agent, cursor } = scheduled;
    const { dues, unlisted } = slotsWithoutRow(scheduled, now, MOST_MISSED);
    if (dues.length === 0) return [];
    const since = isoOf(cursor);
    const facts = { agent, slots: dues.length, unlisted };
    log.warn(`${agent} was not looked after since ${since}: ${dues.length} slots are settled late`, facts);
    const note = unlisted ? `the first one listed of more that were missed since ${since}` : undefined;
    return [{ scheduled, rows: dues.map((due, i) => ({ agent, due, ...(i === 0 && note ? { note } : {}) })) }];
  }

  /** Settles each by itself, so that slots which the store refuses cost no other agent its own. */
  async function settleOneByOne(absences: readonly Absence[], now: number): Promise<Unplanned[]> {
    const failed: Unplanned[] = [];
    for (const absence of absences)
      await settleTogether([absence], now).catch((error: unknown) =>
        failed.push({ agent: absence.scheduled.agent, error }),
      );
    return failed;
  }

  /** Returns the agents whose slots could not be decided; rejects when that is so for all. */
  async function settleTogether(absences: readonly Absence[], now: number): Promise<Unplanned[]> {
    const jobs = await slots.slotJobs(absences.map(({ scheduled }) => scheduled.agent));
    const unfinishedOf = new Map(jobs.map(({ agent, unfinished }) => [agent, unfinished]));
    const rows = absences.flatMap(({ rows }) =>
      rows.map((row) => ({ ...row, unfinished: unfinishedOf.get(row.agent) ?? [] })),
    );
    const { failed } = await settleSlots(needs, scheduledAgents, rows, now);
    const unsettled = new Set(failed.map(({ agent }) => agent));
    for (const { scheduled, rows } of absences)
      if (!unsettled.has(scheduled.agent)) scheduled.cursor = rows.at(-1)!.due;
    return failed;
  }

  async function plan(now: number, without: ReadonlySet<string>) {
    const sound = [...scheduledAgents.values()].filter(({ agent }) => !without.has(agent));
    const { slots: ahead, more, failed } = planAhead(sound, now, horizonMs, ROWS_AT_ONCE);
    const { written, refused } = await writeAhead(slots, ahead);
    for (const { agent, due } of written) scheduledAgents.get(agent)!.cursor = due;
    return { more, failed: [...failed, ...refused] };
  }

  function untilNext(now: number): number {
    let at = now + LONGEST_SLEEP_MS;
    for (const { timetable } of scheduledAgents.values()) at = Math.min(at, timetable.next(now) ?? at);
    return at - now;
  }

  return {
    get: (agent) => scheduledAgents.get(agent),
    all: () => scheduledAgents.values(),
    isAdopted: (agents) => adopted?.agents === agents,
    troubleOf: troubles.of,
    async look(agents, now, signal) {
      const delayed = await adopt(agents, now);
      await settleRows(delayed, now);
      const unsettled = await settleAbsences(now, signal);
      const { more, failed } = await plan(now, new Set(unsettled.map(({ agent }) => agent)));
      const inTrouble = [...unsettled, ...failed];
      troubles.replace('planning', inTrouble, now);
      if (inTrouble.length > 0 || delayed.size > 0) return RETRY_MS;
      return more ? 0 : untilNext(now);
    },
  };
}

/**
 * Writes slots ahead: in one call, or agent by agent when the store refuses them together, so that one agent's slots cannot
 * keep those of all others out. Rejects when the store takes the slots of no agent.
 */
async function writeAhead(
  slots: Pick<SlotStore, 'plan'>,
  ahead: readonly SlotRef[],
): Promise<{ written: SlotRef[]; refused: Unplanned[] }> {
  if (ahead.length === 0) return { written: [], refused: [] };
  try {
    await slots.plan([...ahead]);
    return { written: [...ahead], refused: [] };
  } catch (error) {
    const byAgent = [...Map.groupBy(ahead, ({ agent }) => agent)];
    if (byAgent.length === 1) return { written: [], refused: [{ agent: byAgent[0]![0], error }] };
    const written: SlotRef[] = [];
    const refused: Unplanned[] = [];
    for (const [agent, own] of byAgent) {
      await slots.plan(own).then(
        () => written.push(...own),
        (error: unknown) => refused.push({ agent, error }),
      );
    }
    if (written.length === 0) throw error;
    return { written, refused };
  }
}

/** Absences that are settled by one call: as many as hold {@link ROWS_AT_ONCE} slots, or one that holds more. */
function inGroups(absences: readonly Absence[]): Absence[][] {
  const groups: Absence[][] = [];
  let room = 0;
  for (const absence of absences) {
    room -= absence.rows.length;
    if (room < 0) {
      groups.push([]);
      room = ROWS_AT_ONCE - absence.rows.length;
    }
    groups.at(-1)!.push(absence);
  }
  return groups;
}
