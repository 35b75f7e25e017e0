import { type Agent, DEFAULT_MAX_QUEUED, type ScheduleSpec } from '../jobs/agent.ts';
import type { NewJob } from '../jobs/model.ts';
import { fnv1a } from '../kernel/fnv.ts';
import { given } from '../kernel/given.ts';
import { isoOf } from '../kernel/instant.ts';
import { formatDuration } from '../kernel/units.ts';
import type { SlotDecision, SlotJob } from './ports.ts';

/**
 * A slot that is looked at within this time after it was due counts as on time (a restart, a short stall). Later than
 * that a slot, a job that was not started, and their agent are late, for healing and for status alike.
 */
export const LATE_AFTER_MS = 60_000;
/** Never more jobs than this for slots of one agent that are due at the same look: no burst after an absence. */
export const MOST_AT_ONCE = 10;

/** Facts about an agent that a decision needs; its schedule must be there. */
export interface Asking {
  agent: Pick<Agent, 'name' | 'limits'> & { schedule: NonNullable<Agent['schedule']> };
  /** The priority of jobs for slots of an absence. Default: that of any other. */
  catchUpPriority?: number | undefined;
}

export interface SlotFacts {
  due: number;
  /** How many later slots of the agent are due by now too, counted up to {@link MOST_AT_ONCE}. */
  later: number;
  /** Why nothing may start for it. */
  heldUp?: string | undefined;
}

type DueDecision = { due: number } & (
  | { is: 'ran' }
  | { is: 'caught-up'; reason: string }
  | { is: 'skipped' | 'missed'; reason: string }
);

/** Looks at one due slot by itself: whether it wants a job, before other jobs of the agent are considered. */
export function decideSlot({ agent }: Asking, { due, later, heldUp }: SlotFacts, now: number): DueDecision {
  const { catchUp, jitterMs } = agent.schedule;
  if (heldUp !== undefined) return { due, is: 'skipped', reason: heldUp };
  const lateMs = now - due;
  const seen = `seen ${formatDuration(lateMs)} late: the host was down, or the machine asleep or too busy`;
  const { staleAfterMs } = agent.limits;
  if (staleAfterMs !== undefined && due + jitterOf(agent.name, due, jitterMs) + staleAfterMs <= now)
    return { due, is: 'missed', reason: `${seen}; stale after ${formatDuration(staleAfterMs)}` };
  if (lateMs <= LATE_AFTER_MS && later < MOST_AT_ONCE) return { due, is: 'ran' };
  const caughtUp: DueDecision = { due, is: 'caught-up', reason: `${seen}; catchUp: ${catchUp}` };
  switch (catchUp) {
    case 'skip':
      return { due, is: 'missed', reason: `${seen}; catchUp: skip runs none of them` };
    case 'once':
      return later === 0 ? caughtUp : { due, is: 'missed', reason: `${seen}; catchUp: once runs only the newest` };
    case 'all':
      return later < MOST_AT_ONCE
        ? caughtUp
        : { due, is: 'missed', reason: `${seen}; catchUp: all runs only the newest ${MOST_AT_ONCE}` };
  }
}

/**
 * Ends the agent's due slots, oldest first: each in one state, with a job or without. `cancel`: jobs of earlier slots
 * that have to go first (`overlap: replace`). With `catchUp: all` the slots of an absence wait for each other.
 */
export function decideSlots(
  asking: Asking,
  builds: readonly DueDecision[],
  unfinished: readonly SlotJob[],
  now: number,
): { decisions: SlotDecision[]; cancel: string[] } {
  const { name: agent, schedule } = asking.agent;
  const overlaps = overlapsOf(schedule, builds);
  const decisions: SlotDecision[] = [];
  const cancel = new Set<string>();
  for (const decision of builds) {
    const { due } = decision;
    if (!wantsJob(decision)) {
      decisions.push({ agent, due, state: decision.is, reason: decision.reason });
      continue;
    }
    const earlier = unfinished.filter(({ slot }) => slot < due);
    const skipped = whySkipped(overlaps, due, earlier);
    if (skipped !== undefined) {
      decisions.push({ agent, due, state: 'skipped', reason: skipped });
      continue;
    }
    if (overlaps.overlap === 'replace') for (const { id } of earlier) cancel.add(id);
    overlaps.taken = due;
    overlaps.queued += 1;
    const reason = decision.is === 'caught-up' ? { reason: decision.reason } : {};
    decisions.push({ agent, due, state: decision.is, ...reason, job: jobOf(asking, decision, now) });
  }
  return { decisions, cancel: [...cancel] };
}

/** Facts for `overlap` about slots that are due at the same look, and about those of them that have jobs so far. */
interface Overlaps {
  overlap: ScheduleSpec['overlap'];
  /** With `queue`: jobs of earlier slots that may be unfinished. */
  most: number;
  /** The newest slot that wants a job. */
  newest: number | undefined;
  /** The slot that got a job last. */
  taken: number | undefined;
  /** How many slots got a job. */
  queued: number;
}

function overlapsOf(schedule: Asking['agent']['schedule'], builds: readonly DueDecision[]): Overlaps {
  const isCatchingUp = queuesAll(schedule, builds);
  return {
    overlap: isCatchingUp ? 'queue' : schedule.overlap,
    most: isCatchingUp ? Number.POSITIVE_INFINITY : (schedule.maxQueued ?? DEFAULT_MAX_QUEUED),
    newest: builds.findLast(wantsJob)?.due,
    taken: undefined,
    queued: 0,
  };
}

/** Why `overlap` leaves the slot without a job; `earlier`: unfinished jobs of slots before it. */
function whySkipped(
  { overlap, most, newest, taken, queued }: Overlaps,
  due: number,
  earlier: readonly SlotJob[],
): string | undefined {
  const count = earlier.length + queued;
  switch (overlap) {
    case 'skip': {
      const [first] = earlier;
      if (first) return `${first.id}, the job of the slot at ${isoOf(first.slot)}, is unfinished (overlap: skip)`;
      if (taken === undefined) return undefined;
      return `the job of the slot at ${isoOf(taken)}, taken at the same time, is unfinished (overlap: skip)`;
    }
    case 'queue':
      if (count < most) return undefined;
      return `${count} jobs of earlier slots are unfinished, and no more may be (overlap: queue, maxQueued: ${most})`;
    case 'replace':
      return due === newest ? undefined : `the slot at ${isoOf(newest!)} was due too (overlap: replace)`;
  }
}

/**
 * How much later than its slot a job starts, in ms from 0 up to `most`: by chance, but the same chance each time that
 * it is asked, so that a restart does not draw again.
 */
export function jitterOf(agent: string, due: number, most: number): number {
  if (most <= 0) return 0;
  let hash = fnv1a(`${agent}:${due}`);
  // FNV leaves neighbouring texts near each other in the high bits; two rounds of mixing part them.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return Math.floor((((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * (most + 1));
}

function jobOf({ agent, catchUpPriority }: Asking, decision: DueDecision, now: number): NewJob {
  const { due } = decision;
  const jitter = jitterOf(agent.name, due, agent.schedule.jitterMs);
  const { staleAfterMs, attempts } = agent.limits;
  return {
    agent: agent.name,
    trigger: 'schedule',
    input: null,
    key: `slot:${due}`,
    slot: due,
    // A crowd that wakes up together after an absence is spread too.
    runAt: (decision.is === 'caught-up' ? now : due) + jitter,
    ...(staleAfterMs === undefined ? {} : { staleAt: due + jitter + staleAfterMs }),
    attempts,
    ...(decision.is === 'caught-up' ? given({ priority: catchUpPriority }) : {}),
  };
}

function wantsJob(decision: DueDecision): decision is DueDecision & { is: 'ran' | 'caught-up' } {
  return decision.is === 'ran' || decision.is === 'caught-up';
}

function queuesAll(schedule: Asking['agent']['schedule'], builds: readonly DueDecision[]): boolean {
  return schedule.catchUp === 'all' && builds.some(({ is }) => is === 'caught-up');
}
