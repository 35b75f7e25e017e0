import type { Timetable } from '../kernel/cron/timetable.ts';
import type { Slot, SlotDecision } from './ports.ts';

/** An agent's schedule, and how far its slots are known to be rows. */
export interface ScheduleCursor {
  agent: string;
  timetable: Timetable;
  /** Every slot up to this time (epoch ms) is a row, or is none of ours to keep. */
  cursor: number;
  /** The clock was set back: slots up to this time may have their ends already, and none of them runs twice. */
  settledTo?: number;
}

export interface SlotRef {
  agent: string;
  due: number;
}

/**
 * Why the slots of an agent that went away are cancelled. The text distinguishes the agent's return from the host's return
 * after a crash.
 */
export const GONE = 'the agent was switched off or removed, or lost its schedule';

/** An agent whose times cannot be worked out. */
export interface Unplanned {
  agent: string;
  error: unknown;
}

/**
 * The slots to write ahead: all within the horizon, and at least each agent's next one; the earliest first, at most
 * `most` at a time. `more`: there are others left. `failed`: what throws for one agent costs no other its slots.
 */
export function planAhead(
  scheduledAgents: Iterable<ScheduleCursor>,
  now: number,
  horizonMs: number,
  most: number,
): { slots: SlotRef[]; more: boolean; failed: Unplanned[] } {
  const slots: SlotRef[] = [];
  const failed: Unplanned[] = [];
  for (const scheduled of scheduledAgents) {
    try {
      slots.push(...slotsAhead(scheduled, now, horizonMs, most));
    } catch (error) {
      failed.push({ agent: scheduled.agent, error });
    }
  }
  // Cut by time, not by agent: each agent's slots are written without a hole, and the nearest are never last.
  slots.sort((a, b) => a.due - b.due);
  return { slots: slots.slice(0, most), more: slots.length > most, failed };
}

function slotsAhead(
  { agent, timetable, cursor }: ScheduleCursor,
  now: number,
  horizonMs: number,
  most: number,
): SlotRef[] {
  const slots: SlotRef[] = [];
  for (let at = cursor; slots.length <= most; ) {
    const due = timetable.next(at);
    if (due === undefined || (due > now + horizonMs && at > now)) break;
    slots.push({ agent, due });
    at = due;
  }
  return slots;
}

/**
 * The slots with cursor < due ≤ now that have no row: no host was up to plan them. Only the newest `most`; `unlisted` says
 * whether there are older ones.
 */
export function slotsWithoutRow(
  scheduled: ScheduleCursor,
  now: number,
  most: number,
): { dues: number[]; unlisted: boolean } {
  const first = scheduled.timetable.next(scheduled.cursor);
  if (first === undefined || first > now) return { dues: [], unlisted: false };
  // Backwards in growing steps: after a year's absence an every-second schedule has 31 million of them.
  for (let reach = most * 1_000; ; reach *= 2) {
    const from = Math.max(scheduled.cursor, now - reach);
    const dues = duesBetween(scheduled, from, now);
    if (dues.length > most) return { dues: dues.slice(-most), unlisted: true };
    if (from === scheduled.cursor) return { dues, unlisted: false };
    if (dues.length === most) return { dues, unlisted: first < dues[0]! };
  }
}

/** How many slots of the schedule come after `due` and are due by `now` too; counted up to `most`. */
export function laterDue({ timetable }: ScheduleCursor, due: number, now: number, most: number): number {
  let count = 0;
  for (let at = timetable.next(due); at !== undefined && at <= now && count < most; count++) at = timetable.next(at);
  return count;
}

/** Ends the planned slots after `now` that the schedule does not ask for any more. */
export function obsoleteSlots({ agent, timetable }: ScheduleCursor, rows: Iterable<Slot>, now: number): SlotDecision[] {
  const reason = `the schedule changed to ${timetable.text}`;
  return [...rows]
    .filter(({ state, due }) => state === 'planned' && due > now && timetable.next(due - 1) !== due)
    .map(({ due }) => ({ agent, due, state: 'cancelled', reason }));
}

/**
 * Where an agent's cursor begins, from its newest live slot that is not after `now`, and all its rows from there on:
 * at that slot, so that nothing since then is a silent hole; but now for an agent that has none, or was away since.
 */
export function startCursor(newest: number | undefined, rows: readonly Slot[], now: number): number {
  if (newest === undefined) return now;
  const plannedAt = rows.find((row) => row.due === newest)?.plannedAt ?? -Infinity;
  const wasAway = rows.some(
    (row) => row.state === 'cancelled' && row.reason === GONE && (row.decidedAt ?? 0) >= plannedAt,
  );
  return wasAway ? now : newest;
}

function duesBetween({ timetable }: ScheduleCursor, after: number, upTo: number): number[] {
  const dues: number[] = [];
  for (let at = timetable.next(after); at !== undefined && at <= upTo; ) at = timetable.next(dues[dues.push(at) - 1]!);
  return dues;
}
