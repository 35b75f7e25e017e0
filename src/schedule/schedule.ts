import type { Agent } from '../jobs/agent.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop, type Turn } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import { neverDue, type Planning, type Trouble } from './planning.ts';
import type { SlotStore } from './ports.ts';
import { createScheduledAgents, LONGEST_SLEEP_MS } from './scheduled-agents.ts';
import type { SettleNeeds } from './settle.ts';

/**
 * Turns time into jobs. Every slot is a row before its time (unless no host was up to write it) and ends in exactly one state;
 * a due slot becomes at most one job, across restarts, kills and clocks that jump. The schedule never sleeps longer than 30 s
 * and always compares with the wall clock.
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

const RETRY_MS = 1_000;
const JUMP_MS = 2_000;

/** Builds the schedule; it works from `start` on. */
export function createSchedule(needs: ScheduleNeeds, { horizonMs = 120_000 }: ScheduleOptions = {}): Schedule {
  const { time, log } = needs;
  const scheduledAgents = createScheduledAgents(needs, horizonMs);
  /** `since`: epoch ms. */
  let wanted: { agents: ReadonlyMap<string, Agent>; since: number } | undefined;
  /** Why no agent's slots can be planned or settled. */
  let failing: Trouble | undefined;
  /** The wall clock and the monotonic clock at the last look. */
  let seen: { wall: number; monotonic: number } | undefined;
  const loop = createLoop({ time, failed }, { everyMs: RETRY_MS, turn });

  /** Takes over changed agents, settles due slots, writes slots ahead. */
  async function turn({ signal }: Turn): Promise<number> {
    const now = time.now();
    noteJump(now);
    const ms = wanted ? await scheduledAgents.look(wanted.agents, now, signal) : LONGEST_SLEEP_MS;
    if (failing) log.info('slots are planned and settled again');
    failing = undefined;
    return Math.min(now + ms - time.now(), LONGEST_SLEEP_MS);
  }

  function failed(error: unknown) {
    const fault = toPlainFault(error);
    if (!failing) log.error('slots cannot be planned or settled; trying on', { fault });
    failing = { since: failing?.since ?? time.now(), fault };
  }

  function planningOf(agent: string): Planning | undefined {
    if (!wanted?.agents.get(agent)?.schedule) return undefined;
    const now = time.now();
    const trouble = scheduledAgents.troubleOf(agent);
    if (trouble) return { is: 'failed', ...trouble };
    const scheduled = scheduledAgents.get(agent);
    // After a jump back, what is written is not known before the next look.
    if (!scheduled || !scheduledAgents.isAdopted(wanted.agents) || driftAt(now) < -JUMP_MS)
      return { is: 'waiting', since: scheduled ? now : wanted.since, trouble: failing };
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
    for (const scheduled of drift < 0 ? scheduledAgents.all() : []) {
      scheduled.settledTo = Math.max(scheduled.settledTo ?? 0, scheduled.cursor);
      scheduled.cursor = Math.min(scheduled.cursor, now);
    }
  }

  return {
    start: loop.start,
    async stop() {
      await loop.stop();
      seen = undefined;
    },
    alive: loop.alive,
    use(agents) {
      wanted = { agents: new Map([...agents].map((agent) => [agent.name, agent])), since: time.now() };
      loop.soon();
    },
    planning: planningOf,
    planAgain(agent) {
      const scheduled = scheduledAgents.get(agent);
      if (scheduled) scheduled.cursor = Math.min(scheduled.cursor, time.now());
      loop.soon();
    },
  };
}
