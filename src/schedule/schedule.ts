import type { Agent } from '../jobs/agent.ts';
import { parseCron } from '../kernel/cron/fields.ts';
import { nextAfter, nextTimes } from '../kernel/cron/next.ts';
import { checkTimezone } from '../kernel/cron/zone.ts';
import { toPlainFault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import { beginning, GONE, planAhead, slotsWithoutRow, strays } from './plan.ts';
import type { SlotStore } from './ports.ts';
import { type Scheduled, type SettleNeeds, settleSlots } from './settle.ts';

/**
 * Turns time into jobs. Every slot is a row before its time (unless nobody was there to write it) and ends in exactly
 * one state; a due slot becomes at most one job, across restarts, kills and clocks that jump. It never sleeps longer
 * than 30 s and always compares with the wall clock.
 */
export interface Schedule extends Service {
  /** The agents in force, all of them, from now on. Nothing is planned or decided before the first call. */
  use(agents: Iterable<Agent>): void;
  /** Slots that are due before `until` (epoch ms; null: without end) end as skipped. */
  pause(agent: string, until: number | null): void;
  /** Ends a pause now: slots that were due before stay skipped. */
  resume(agent: string): void;
  /** The agent's next `n` slots, epoch ms; none for an agent without a schedule. */
  preview(agent: string, n: number): number[];
}

export interface ScheduleNeeds extends SettleNeeds {
  time: Time;
  log: Log;
  slots: SlotStore;
}

export interface ScheduleOptions {
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
  let adopted: Map<string, Agent> | undefined;
  const courses = new Map<string, Scheduled>();
  const pausedUntil = new Map<string, number>();

  let stopping = true;
  let loop: Promise<void> | undefined;
  let turned: number | undefined;
  let again = false;
  let nap = new AbortController();
  let failing = false;
  let seen: { wall: number; monotonic: number } | undefined;

  /** One look: what has changed, what is due, what has to be written ahead. Says when to look again. */
  async function turn(): Promise<number> {
    const now = time.now();
    noteJump(now);
    if (!wanted) return now + LONGEST_SLEEP_MS;
    if (wanted !== adopted) await adopt(wanted, now);
    await settleRows(now);
    for (const course of courses.values()) if (!stopping) await settleAbsence(course, now);
    const { slots: ahead, more } = planAhead(courses.values(), now, horizonMs, ROWS_AT_ONCE);
    if (ahead.length > 0) await slots.plan(ahead, now);
    for (const { agent, due } of ahead) courses.get(agent)!.cursor = due;
    return more ? now : soonest(now);
  }

  function soonest(now: number): number {
    let at = now + LONGEST_SLEEP_MS;
    for (const { fields, timezone } of courses.values()) at = Math.min(at, nextAfter(fields, timezone, now) ?? at);
    return at;
  }

  async function settleRows(now: number) {
    for (;;) {
      const rows = await slots.dueSlots(now, ROWS_AT_ONCE);
      if (rows.length === 0) return;
      const settled = await settleSlots(needs, courses, pausedUntil, rows, now);
      // A store that goes on offering what is settled must not keep the loop here for ever.
      if (rows.length < ROWS_AT_ONCE || settled === 0) return;
    }
  }

  /** Gives every slot of a time when nobody was there its row and its end, oldest first: a crash leaves no hole. */
  async function settleAbsence(course: Scheduled, now: number) {
    const { dues, unlisted } = slotsWithoutRow(course, now, MOST_MISSED);
    if (dues.length === 0) return;
    const since = isoOf(course.cursor);
    log.warn(`${course.agent} was not looked after since ${since}: ${dues.length} slots are settled late`, {
      agent: course.agent,
      slots: dues.length,
      unlisted,
    });
    const note = unlisted ? `the first one listed of more that were missed since ${since}` : undefined;
    const rows = dues.map((due, i) => ({ agent: course.agent, due, ...(i === 0 && note ? { note } : {}) }));
    await settleSlots(needs, courses, pausedUntil, rows, now);
    course.cursor = dues.at(-1)!;
  }

  async function adopt(agents: Map<string, Agent>, now: number) {
    const first = adopted === undefined;
    const newest = new Map((await slots.newestSlots()).map(({ agent, due }) => [agent, due]));
    const before = first ? (await slots.nextSlots()).map(({ agent }) => agent) : [...courses.keys()];
    const next = new Map<string, Scheduled>();
    for (const agent of agents.values()) {
      const course = courseOf(agent, courses.get(agent.name), now);
      if (course) next.set(agent.name, course);
    }
    for (const agent of before) if (!next.has(agent)) await slots.cancelPlanned(agent, 0, GONE, now);
    await Promise.all(
      [...next.values()].filter((course) => !isSame(course, courses.get(course.agent))).map((course) => begin(course)),
    );
    courses.clear();
    for (const [name, course] of next) courses.set(name, course);
    adopted = agents;

    async function begin(course: Scheduled) {
      const { agent } = course;
      const due = newest.get(agent);
      const from = due === undefined || due <= now ? due : await newestBy(agent, now);
      const rows = await slots.slots({ agent, from: from ?? now, to: Number.MAX_SAFE_INTEGER });
      const gone = strays(course, rows, now);
      if (gone.length > 0) await slots.decide(gone, now);
      const known = courses.get(agent);
      course.cursor = known ? Math.min(known.cursor, now) : beginning(from, rows, now);
    }
  }

  /**
   * The agent's newest live slot that is not after `now`. Not the newest of all: between this one and that there can
   * be slots without a row, when the schedule changed or the clock was ahead for a while.
   */
  async function newestBy(agent: string, now: number): Promise<number | undefined> {
    for (let reach = 600_000; ; reach *= 8) {
      const rows = await slots.slots({ agent, from: Math.max(0, now - reach), to: now + 1 });
      const live = rows.findLast(({ state }) => state !== 'cancelled');
      if (live || reach > now) return live?.due;
    }
  }

  function courseOf(agent: Agent, known: Scheduled | undefined, now: number): Scheduled | undefined {
    const { schedule } = agent;
    if (!schedule) return undefined;
    try {
      const { expression, timezone } = schedule;
      checkTimezone(timezone);
      const fields = known?.fields.expression === expression.trim() ? known.fields : parseCron(expression);
      return { agent: agent.name, fields, timezone, cursor: known?.cursor ?? now, asking: { ...agent, schedule } };
    } catch (error) {
      log.error(`${agent.name} has no slots: ${(error as Error).message}`, { fault: toPlainFault(error) });
      return undefined;
    }
  }

  function noteJump(now: number) {
    const monotonic = time.monotonic();
    const drift = seen ? now - seen.wall - (monotonic - seen.monotonic) : 0;
    seen = { wall: now, monotonic };
    if (Math.abs(drift) <= JUMP_MS) return;
    const how = drift > 0 ? 'forward (or the machine slept)' : 'back';
    log.warn(`the clock went ${how} by ${formatDuration(Math.abs(drift))}`, { driftMs: Math.round(drift) });
    // Set back: plan from now again; slots that were settled already are rows and stay as they are.
    if (drift < 0) for (const course of courses.values()) course.cursor = Math.min(course.cursor, now);
  }

  async function run() {
    while (!stopping) {
      again = false;
      let until = time.now() + RETRY_MS;
      try {
        until = await turn();
        if (failing) log.info('slots are planned and settled again');
        failing = false;
      } catch (error) {
        if (!failing) log.error('slots cannot be planned or settled; trying on', { fault: toPlainFault(error) });
        failing = true;
      }
      turned = time.monotonic();
      const ms = Math.min(until - time.now(), LONGEST_SLEEP_MS);
      if (stopping || again || ms <= 0) continue;
      nap = new AbortController();
      await time.sleep(ms, nap.signal).catch(() => {});
    }
  }

  function wake() {
    again = true;
    nap.abort();
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
      wanted = new Map([...agents].map((agent) => [agent.name, agent]));
      wake();
    },
    pause(agent, until) {
      pausedUntil.set(agent, until ?? Infinity);
    },
    resume(agent) {
      const until = pausedUntil.get(agent);
      if (until !== undefined) pausedUntil.set(agent, Math.min(until, time.now()));
    },
    preview(agent, n) {
      const schedule = wanted?.get(agent)?.schedule;
      return schedule ? nextTimes(parseCron(schedule.expression), schedule.timezone, time.now(), n) : [];
    },
  };
}

function isSame(a: Scheduled, b: Scheduled | undefined): boolean {
  return b !== undefined && a.fields === b.fields && a.timezone === b.timezone;
}
