import { BACKOFF_SPREAD, type Backoff, pauseAfter } from '../../kernel/backoff.ts';

/** The terms by which an origin counts as down, and is probed again. Lengths of time are in ms. */
export interface BreakerTerms {
  /** Failures in a row, without a success in between. */
  failures: number;
  /** The share of failures among the calls of the last `windowMs` that also counts as down, once there were `calls` of them. */
  rate: number;
  calls: number;
  windowMs: number;
  /** The pauses before the probes: the first and the longest. */
  pause: Backoff;
  /** The longest Retry-After that is obeyed. */
  longestAskedMs: number;
}

/**
 * A row of failures has to last this long: under heavy load three in a row come by chance, and within one hiccup of a
 * few milliseconds all that was under way fails at once.
 */
export const ROW_MS = 500;
/** An origin that falls again so soon was not well: the pauses go on where they were. */
const RELAPSE_MS = 60_000;
const STRETCHES = 6;

/**
 * State of the calls to one origin. `round` counts up with each change of state. A call carries the round in which it was let
 * out, and what came of it counts only in that round: the late end of a call that went out before the breaker opened neither
 * closes it nor opens it again. Times are monotonic ms.
 */
export type Breaker = { round: number } & (Closed | Open | HalfOpen);

interface Closed {
  is: 'closed';
  /** The failures since the last good call; null without any. */
  row: { count: number; since: number } | null;
  /** Calls of the last window, oldest first. */
  counted: readonly Stretch[];
  /** The outage before, as long as it may not be over. */
  relapse: { tries: number; until: number } | null;
}

interface Outage {
  /** The begin of the outage, not the time at which the breaker opened last. */
  since: number;
  /** Probes that failed. */
  tries: number;
}

/** No call goes out before `until`. */
interface Open extends Outage {
  is: 'open';
  until: number;
}

/** A call is out as the probe; without an end before `until` it is given up, and another call may go out. */
interface HalfOpen extends Outage {
  is: 'half-open';
  until: number;
}

interface Stretch {
  from: number;
  calls: number;
  failed: number;
}

/** Events of a breaker. `round` is that of the call which is meant. */
export type BreakerEvent = { now: number } /** A call wants to go out; a probe is given up after `withinMs`. */ & (
  | { is: 'asked'; withinMs: number }
  | { is: 'good'; round: number }
  /** `askedMs`: by its Retry-After. `chance` in [0, 1) spreads the pauses. */
  | { is: 'bad'; round: number; askedMs: number; chance: number }
  /** The end of the call is unknown, because its job has ended. */
  | { is: 'gone'; round: number }
);

/** The breaker of an origin that no agent has called yet. */
export function newBreaker(): Breaker {
  return { is: 'closed', round: 1, row: null, counted: [], relapse: null };
}

/** The breaker of an origin that was down when the last host ended: open, and the first call is the probe. */
export function suspectBreaker(since: number, now: number): Breaker {
  return { is: 'open', round: 1, since, tries: 0, until: now };
}

/** True: a call may go out now. */
export function mayPass(breaker: Breaker, now: number): boolean {
  return breaker.is === 'closed' || breaker.until <= now;
}

/**
 * The state of the breaker after an event. Two events are refused and change nothing: a call that may not go out,
 * and an end of another round.
 */
export function stepBreaker(breaker: Breaker, event: BreakerEvent, terms: BreakerTerms): Breaker | 'refused' {
  if (event.is === 'asked') return asked(breaker, event.now, event.withinMs);
  if (event.round !== breaker.round) return 'refused';
  switch (breaker.is) {
    case 'closed':
      return counting(breaker, event, terms);
    case 'open':
      return 'refused';
    case 'half-open':
      return probed(breaker, event, terms);
  }
}

function asked(breaker: Breaker, now: number, withinMs: number): Breaker | 'refused' {
  if (!mayPass(breaker, now)) return 'refused';
  if (breaker.is === 'closed') return breaker;
  const { round, since, tries } = breaker;
  return { is: 'half-open', round: round + 1, since, tries, until: now + withinMs };
}

function counting(
  breaker: Breaker & Closed,
  event: Exclude<BreakerEvent, { is: 'asked' }>,
  terms: BreakerTerms,
): Breaker {
  const { now } = event;
  if (event.is === 'gone') return breaker;
  const counted = withCall(breaker.counted, now, event.is === 'bad', terms.windowMs);
  if (event.is === 'good') return { ...breaker, row: null, counted };
  const row = { count: (breaker.row?.count ?? 0) + 1, since: breaker.row?.since ?? now };
  if (!isDown(row, counted, now, terms)) return { ...breaker, row, counted };
  const { round, relapse } = breaker;
  const tries = relapse && now < relapse.until ? relapse.tries + 1 : 0;
  return { is: 'open', round: round + 1, since: now, tries, until: now + pauseBefore(tries, event, terms) };
}

function probed(
  { round, since, tries }: Breaker & HalfOpen,
  event: Exclude<BreakerEvent, { is: 'asked' }>,
  terms: BreakerTerms,
): Breaker {
  const { now } = event;
  switch (event.is) {
    case 'good':
      return { is: 'closed', round: round + 1, row: null, counted: [], relapse: { tries, until: now + RELAPSE_MS } };
    case 'bad': {
      const failed = tries + 1;
      return { is: 'open', round: round + 1, since, tries: failed, until: now + pauseBefore(failed, event, terms) };
    }
    case 'gone':
      return { is: 'open', round: round + 1, since, tries, until: now };
  }
}

function isDown(
  row: { count: number; since: number },
  counted: readonly Stretch[],
  now: number,
  { failures, rate, calls }: BreakerTerms,
): boolean {
  if (row.count >= failures && now - row.since >= ROW_MS) return true;
  const all = counted.reduce((sum, one) => sum + one.calls, 0);
  const failed = counted.reduce((sum, one) => sum + one.failed, 0);
  return all >= calls && failed / all >= rate;
}

/** A Retry-After is never undercut, only spread and bounded. */
function pauseBefore(tries: number, { askedMs, chance }: { askedMs: number; chance: number }, terms: BreakerTerms) {
  const wanted = Math.min(askedMs, terms.longestAskedMs) * (1 + BACKOFF_SPREAD * chance);
  return Math.max(pauseAfter(tries + 1, terms.pause, chance), Math.round(wanted));
}

function withCall(counted: readonly Stretch[], now: number, isFailed: boolean, windowMs: number): readonly Stretch[] {
  const length = windowMs / STRETCHES;
  const recent = counted.filter(({ from }) => from > now - windowMs);
  const last = recent.at(-1);
  const failed = isFailed ? 1 : 0;
  if (!last || now - last.from >= length) return [...recent, { from: now, calls: 1, failed }];
  return [...recent.slice(0, -1), { from: last.from, calls: last.calls + 1, failed: last.failed + failed }];
}
