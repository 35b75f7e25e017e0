import { type FromHost, isStalled, isTurning, type LoopAges, overdueAfter, type StalledLoop } from '../kernel/pulse.ts';
import { formatDuration } from '../kernel/units.ts';

/** The guardian's clocks at one moment, in ms. */
export interface Moment {
  monotonic: number;
  wall: number;
}

/** The guardian's knowledge of the host that runs. Times are monotonic ms. */
export interface HostWatch {
  startedAt: number;
  /** The host's last pulse. */
  receivedAt?: number;
  readyAt?: number;
  /** A person, systemd or the guardian asked the host to stop. */
  stoppingAt?: number;
  /** A person asked the host itself to stop, and wants no other one. */
  isWished?: boolean;
  overdue?: StalledLoop | undefined;
  /** As the last pulse told. */
  ages?: LoopAges;
  lookedAt: Moment;
  /** The guardian itself stood still (the machine slept), or the host waited for a device: nothing is held against the host before this. */
  graceUntil: number;
  /** The host has waited for a device since then, and did no work of its own after it yet. */
  waitsSince?: number;
}

/** Why a host has to go, or why it may stay although it does nothing: a sentence without a subject. */
type HostDecision =
  | { is: 'fine' }
  | { is: 'silent' | 'stalled' | 'slow-start' | 'slow-stop'; why: string }
  | { is: 'waits'; why: string }
  | { is: 'answered'; afterMs: number };

/** The time between two looks of the guardian. */
export const CHECK_MS = 1_000;
/** A guardian that was away longer than this between two looks does not trust its own impression. */
const AWAY_MS = 3_000;
const GRACE_MS = 15_000;
/** The runtime itself has to load before the first pulse; on a busy machine that takes a while. */
const FIRST_PULSE_MS = 30_000;
const SILENT_MS = 10_000;
/** A store that is brought to a new schema may take minutes. */
const START_MS = 300_000;
/** Longer than the host gives itself. */
const STOP_MS = 30_000;

export function newHostWatch(now: Moment): HostWatch {
  return { startedAt: now.monotonic, lookedAt: now, graceUntil: 0 };
}

/** The next knowledge of the host, after a message of it. */
export function withHostLine(watch: HostWatch, line: FromHost, now: Moment): HostWatch {
  const received = { ...watch, receivedAt: now.monotonic };
  switch (line.is) {
    case 'pulse':
      return { ...received, overdue: overdueAfter(watch.overdue, line.ages ?? {}), ages: line.ages ?? {} };
    case 'ready':
      return { ...received, readyAt: watch.readyAt ?? now.monotonic };
    case 'stopping':
      return { ...received, stoppingAt: watch.stoppingAt ?? now.monotonic, isWished: line.isWished };
    default:
      return received;
  }
}

/**
 * Decides by the pulses of the host, never by its process being there. `waitsForDevice` is asked when the host would have to
 * go: one that waits for a disk stays, for however long, because no signal ends it before the disk answers, and the next
 * host would wait as well. The first of those looks says `waits`; the first look that finds all well again says `answered`.
 */
export function checkHost(
  before: HostWatch,
  now: Moment,
  waitsForDevice: () => boolean,
): { watch: HostWatch; decision: HostDecision } {
  const { lookedAt } = before;
  const { monotonic } = now;
  // Which of the two clocks counts a sleep depends on the machine.
  const away = Math.max(monotonic - lookedAt.monotonic, now.wall - lookedAt.wall) > AWAY_MS;
  const watch = { ...before, lookedAt: now, graceUntil: away ? monotonic + GRACE_MS : before.graceUntil };
  const { waitsSince } = watch;
  if (waitsSince !== undefined && isWell(watch, monotonic))
    return { watch: withoutWait(watch), decision: { is: 'answered', afterMs: monotonic - waitsSince } };
  const decision = monotonic < watch.graceUntil ? FINE : decide(watch, monotonic);
  const isAsked = decision.is === 'fine' ? waitsSince !== undefined : decision.is !== 'slow-stop';
  if (!isAsked || !waitsForDevice()) return { watch, decision };
  return {
    // After the answer the loops have as long as after a sleep of the machine.
    watch: { ...watch, graceUntil: monotonic + GRACE_MS, waitsSince: waitsSince ?? monotonic },
    decision: decision.is === 'fine' || waitsSince !== undefined ? FINE : { is: 'waits', why: decision.why },
  };
}

function withoutWait({ waitsSince: _, ...watch }: HostWatch): HostWatch {
  return watch;
}

/** A pulse that is older is no sign that all is well now. */
const FRESH_MS = 3_000;

/** Whether the host works, its last pulse is fresh, and every loop of it turns: the dead man is pinged. */
export function isWell({ readyAt, stoppingAt, receivedAt, ages = {} }: HostWatch, now: number): boolean {
  if (readyAt === undefined || stoppingAt !== undefined || receivedAt === undefined) return false;
  return now - receivedAt <= FRESH_MS && Object.entries(ages).every(([name, agoMs]) => isTurning(name, agoMs));
}

function decide(watch: HostWatch, now: number): Exclude<HostDecision, { is: 'waits' | 'answered' }> {
  const { startedAt, receivedAt, readyAt, stoppingAt, overdue } = watch;
  if (stoppingAt !== undefined) {
    if (now - stoppingAt <= STOP_MS) return FINE;
    return { is: 'slow-stop', why: `had not ended ${formatDuration(now - stoppingAt)} after it was asked to` };
  }
  const quiet = now - (receivedAt ?? startedAt);
  if (quiet > (receivedAt === undefined ? FIRST_PULSE_MS : SILENT_MS))
    return { is: 'silent', why: `gave no sign of life for ${formatDuration(quiet)}` };
  if (readyAt === undefined) {
    if (now - startedAt <= START_MS) return FINE;
    return { is: 'slow-start', why: `was not ready ${formatDuration(now - startedAt)} after its start` };
  }
  if (isStalled(overdue))
    return { is: 'stalled', why: `stalled: ${overdue.loop} has not turned for ${formatDuration(overdue.ageMs)}` };
  return FINE;
}

const FINE = { is: 'fine' } as const;
