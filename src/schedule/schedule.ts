import type { Agent } from '../jobs/agent.ts';
import { toPlainFault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import { adoptAgents } from './adopt.ts';
import { planAhead, slotsWithoutRow, type Unplanned } from './plan.ts';
import { neverDue, type Planning, type Trouble } from './planning.ts';
import type { SlotStore } from './ports.ts';
import { type Scheduled, type SettleNeeds, settleSlots } from './settle.ts';
import { createTroubles } from './troubles.ts';
import { writeAhead } from './write-ahead.ts';

/**
 * Turns time into jobs. Every slot is a row before its time (unless nobody was there to write it) and ends in exactly
 * one state; a due slot becomes at most one job, across restarts, kills and clocks that jump. The schedule never sleeps longer
 * than 30 s and always compares with the wall clock.
 */
export interface Schedule extends Service {
  /** The agents in force, all of them, from now on. No slot is planned or decided before the first call. */
  use(agents: Iterable<Agent>): void;
  /** How far the agent's slots are planned; undefined for an agent without a schedule. */
  planning(agent: string): Planning | undefined;
  /** Writes the agent's next slots anew: one that was planned is not in the store any more. */
  planAgain(agent: string): void;
}

interface ScheduleNeeds extends SettleNeeds {
  time: Time;
  log: Log;
  slots: SlotStore;
  /** The slots of an agent cannot be planned, or can be again: `planning` says whose. */
  troublesChanged?(): void;
}

interface ScheduleOptions {
  /** How far ahead slots are written, in ms; each agent's next one is always written. Default 2 minutes. */
  horizonMs?: number;
}

const LONGEST_SLEEP_MS = 30_000;
const RETRY_MS = 1_000;
const JUMP_MS = 2_000;
const ROWS_AT_ONCE = 1_000;
/** After an absence, so many missed slots of each agent become rows one by one. */
const MOST_MISSED = 1_000;

/** Builds the schedule; it works from `start` on. */
export function createSchedule(needs: ScheduleNeeds, options: ScheduleOptions = {}): Schedule {
  const { time, log, slots } = needs;
  const horizonMs = options.horizonMs ?? 120_000;
  let wanted: Map<string, Agent> | undefined;
  /** Epoch ms. */
  let wantedAt = 0;
  let adopted: Map<string, Agent> | undefined;
  const scheduledAgents = new Map<string, Scheduled>();
  /** Agents of `adopted` that could not be taken over yet. */
  let delayed: ReadonlySet<string> = new Set();
  const troubles = createTroubles(log, () => needs.troublesChanged?.());

  let stopping = true;
  let loop: Promise<void> | undefined;
  let turned: number | undefined;
  let again = false;
  let wakeUp = new AbortController();
  /** Why no agent's slots can be planned or settled. */
  let failing: Trouble | undefined;
  let seen: { wall: number; monotonic: number } | undefined;

  /** One look: what has changed, what is due, what has to be written ahead. Says when to look again. */
  async function turn(): Promise<number> {
    const now = time.now();
    noteJump(now);
    if (!wanted) return now + LONGEST_SLEEP_MS;
    if (wanted !== adopted || delayed.size > 0) await adopt(wanted, now);
    await settleRows(now);
    const unsettled = await settleAbsences(now);
    const { more, failed } = await plan(now, new Set(unsettled.map(({ agent }) => agent)));
    const inTrouble = [...unsettled, ...failed];
    troubles.replace('planning', inTrouble, now);
    if (inTrouble.length > 0 || delayed.size > 0) return now + RETRY_MS;
    return more ? now : soonest(now);
  }

  function soonest(now: number): number {
    let at = now + LONGEST_SLEEP_MS;
    for (const { timetable } of scheduledAgents.values()) at = Math.min(at, timetable.next(now) ?? at);
    return at;
  }

  async function settleRows(now: number) {
    for (;;) {
      const all = await slots.dueSlots(now, ROWS_AT_ONCE);
      // Slots of an agent that could not be taken over yet wait for that agent.
      const rows = all.filter(({ agent }) => !delayed.has(agent));
      if (rows.length === 0) return;
      const settled = await settleSlots(needs, scheduledAgents, rows, now);
      // A store that goes on offering what is settled must not keep the loop here for ever.
      if (all.length < ROWS_AT_ONCE || settled === 0) return;
    }
  }

  /** A fault of one agent costs no other agent; a fault of all agents is no agent's own. */
  async function settleAbsences(now: number): Promise<Unplanned[]> {
    const failed: Unplanned[] = [];
    for (const scheduled of scheduledAgents.values()) {
      if (stopping) break;
      await settleAbsence(scheduled, now).catch((error: unknown) => failed.push({ agent: scheduled.agent, error }));
    }
    if (failed.length > 1 && failed.length === scheduledAgents.size) throw failed[0]!.error;
    return failed;
  }

  /** Gives every slot of a time when nobody was there its row and its end, oldest first: a crash leaves no hole. */
  async function settleAbsence(scheduled: Scheduled, now: number) {
    const { dues, unlisted } = slotsWithoutRow(scheduled, now, MOST_MISSED);
    if (dues.length === 0) return;
    const since = isoOf(scheduled.cursor);
    log.warn(`${scheduled.agent} was not looked after since ${since}: ${dues.length} slots are settled late`, {
      agent: scheduled.agent,
      slots: dues.length,
      unlisted,
    });
    const note = unlisted ? `the first one listed of more that were missed since ${since}` : undefined;
    const rows = dues.map((due, i) => ({ agent: scheduled.agent, due, ...(i === 0 && note ? { note } : {}) }));
    await settleSlots(needs, scheduledAgents, rows, now);
    scheduled.cursor = dues.at(-1)!;
  }

  async function plan(now: number, without: ReadonlySet<string>) {
    const sound = [...scheduledAgents.values()].filter(({ agent }) => !without.has(agent));
    const { slots: ahead, more, failed } = planAhead(sound, now, horizonMs, ROWS_AT_ONCE);
    const { written, refused } = await writeAhead(slots, ahead);
    for (const { agent, due } of written) scheduledAgents.get(agent)!.cursor = due;
    return { more, failed: [...failed, ...refused] };
  }

  async function adopt(agents: Map<string, Agent>, now: number) {
    const answer = await adoptAgents(slots, agents.values(), scheduledAgents, adopted === undefined, now);
    delayed = new Set(answer.delayed.map(({ agent }) => agent));
    troubles.replace('adopting', [...answer.refused, ...answer.delayed], now);
    scheduledAgents.clear();
    for (const [name, scheduled] of answer.scheduledAgents) scheduledAgents.set(name, scheduled);
    adopted = agents;
  }

  function planningOf(agent: string): Planning | undefined {
    if (!wanted?.get(agent)?.schedule) return undefined;
    const now = time.now();
    const failed = troubles.of(agent);
    if (failed) return { is: 'failed', ...failed };
    const scheduled = scheduledAgents.get(agent);
    // After a jump back, what is written is not known before the next look.
    if (!scheduled || adopted !== wanted || driftAt(now) < -JUMP_MS)
      return { is: 'waiting', since: scheduled ? now : wantedAt, trouble: failing };
    const { timetable, cursor: upTo, settledTo = 0 } = scheduled;
    if (timetable.next(Math.max(now, timetable.hasEnd ? settledTo : 0)) !== undefined)
      return { is: 'planned', upTo, trouble: failing };
    if (timetable.hasEnd) return { is: 'ended', text: timetable.text };
    return { is: 'failed', since: now, fault: neverDue(timetable) };
  }

  /** How far the wall clock has gone off since the last look, in ms. */
  const driftAt = (now: number) => (seen ? now - seen.wall - (time.monotonic() - seen.monotonic) : 0);

  function noteJump(now: number) {
    const drift = driftAt(now);
    seen = { wall: now, monotonic: time.monotonic() };
    if (Math.abs(drift) <= JUMP_MS) return;
    const how = drift > 0 ? 'forward (or the machine slept)' : 'back';
    log.warn(`the clock went ${how} by ${formatDuration(Math.abs(drift))}`, { driftMs: Math.round(drift) });
    // Set back: plan from now again; slots that were settled already are rows and stay as they are.
    for (const scheduled of drift < 0 ? scheduledAgents.values() : []) {
      scheduled.settledTo = Math.max(scheduled.settledTo ?? 0, scheduled.cursor);
      scheduled.cursor = Math.min(scheduled.cursor, now);
    }
  }

  async function run() {
    while (!stopping) {
      again = false;
      let until = time.now() + RETRY_MS;
      try {
        until = await turn();
        if (failing) log.info('slots are planned and settled again');
        failing = undefined;
      } catch (error) {
        const fault = toPlainFault(error);
        if (!failing) log.error('slots cannot be planned or settled; trying on', { fault });
        failing = { since: failing?.since ?? time.now(), fault };
      }
      turned = time.monotonic();
      const ms = Math.min(until - time.now(), LONGEST_SLEEP_MS);
      if (stopping || again || ms <= 0) continue;
      wakeUp = new AbortController();
      await time.sleep(ms, wakeUp.signal).catch(() => {});
    }
  }

  function wake() {
    again = true;
    wakeUp.abort();
  }

  return {
    async start() {
      if (!stopping) return;
      stopping = false;
      turned = time.monotonic();
      loop = run();
    },
    async stop() {
      stopping = true;
      wake();
      await loop;
      loop = undefined;
      turned = undefined;
      seen = undefined;
    },
    alive: () => turned,
    use(agents) {
      wantedAt = time.now();
      wanted = new Map([...agents].map((agent) => [agent.name, agent]));
      wake();
    },
    planning: planningOf,
    planAgain(agent) {
      const scheduled = scheduledAgents.get(agent);
      if (scheduled) scheduled.cursor = Math.min(scheduled.cursor, time.now());
      wake();
    },
  };
}
