import type { PlainFault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { DAY_MS } from '../kernel/measures.ts';
import { formatDuration } from '../kernel/units.ts';
import type { Job } from './model.ts';
import type { AttemptEnd } from './settle.ts';

/**
 * The longest that a job waits, without a break, for something that it can do nothing about. After that the job is a dead
 * letter.
 */
export const LONGEST_OUTAGE_WAIT_MS = DAY_MS;

/** The reason why a failed attempt's job has to wait, from the room that knows it. */
export interface HoldUp {
  /** When a try is worth while again, epoch ms. */
  until: number;
  /** In a word, for people: `https://api.example`. */
  waitsFor: string;
  /** The longest that a job waits for it without a break, in ms. Default {@link LONGEST_OUTAGE_WAIT_MS}. */
  longestMs?: number;
}

export interface WaitFacts {
  fault: PlainFault;
  holdUp: HoldUp;
  startedAt: number;
  finishedAt: number;
  /** The job as the store has it: with the reason of its attempt before this one. */
  before: Pick<Job, 'error' | 'staleAt'>;
}

/**
 * The meaning of the end of an attempt that was held up: the job waits, which costs it no attempt, or it is a dead letter that
 * says what it waited for, and for how long: because the wait would be longer than a day, or than the job is of use.
 */
export function waitOrGiveUp({ fault, holdUp, startedAt, finishedAt, before }: WaitFacts): AttemptEnd {
  const { until, waitsFor, longestMs = LONGEST_OUTAGE_WAIT_MS } = holdUp;
  const since = waitOf(before.error)?.since ?? startedAt;
  const data = { ...fault.data, waitsFor, waitsSince: isoOf(since) };
  const why = endOfPatience(until, since + longestMs, before.staleAt);
  if (why === null) {
    const retry = Math.max(0, until - finishedAt);
    return { is: 'failed', fault: { ...fault, data }, retry, isFree: true };
  }
  const message = `waited ${formatDuration(finishedAt - since)} for ${waitsFor} in vain, ${why}: ${fault.message}`;
  const next = 'when it is back: daruma replay';
  return { is: 'failed', fault: { ...fault, message, next, data }, retry: false };
}

/** The wait of a job that was held up: for what, and since when (epoch ms); undefined for any other. */
export function waitOf(error: PlainFault | null): { waitsFor: string; since: number } | undefined {
  const { waitsFor, waitsSince } = error?.data ?? {};
  const since = typeof waitsSince === 'string' ? Date.parse(waitsSince) : Number.NaN;
  return typeof waitsFor === 'string' && !Number.isNaN(since) ? { waitsFor, since } : undefined;
}

function endOfPatience(until: number, latest: number, staleAt: number | null): string | null {
  if (staleAt !== null && until > staleAt) return `and is of no use after ${isoOf(staleAt)}`;
  if (until > latest) return `which is as long as a job waits`;
  return null;
}

/** A plugin may ask for another time this often in a row at no cost: with a pause of 0 a day would have millions. */
export const MOST_WAITS = 1_000;

interface LaterFacts {
  fault: PlainFault;
  /** The pause that the plugin asked for. */
  pauseMs: number;
  startedAt: number;
  finishedAt: number;
  /** The job as the store has it: with the reason of its attempt before this one. */
  before: Pick<Job, 'error' | 'staleAt'>;
}

/**
 * The meaning of the end of an attempt whose plugin asked for another time (RetryLater): the job waits, which costs it no
 * attempt, for a day in all and {@link MOST_WAITS} times in a row; after that each time counts as any other failure. The job
 * is a dead letter where it would be stale at that time.
 */
export function laterOrCount({ fault, pauseMs, startedAt, finishedAt, before }: LaterFacts): AttemptEnd {
  const until = finishedAt + pauseMs;
  const former = waitsOf(before.error);
  const since = former?.since ?? startedAt;
  const waits = (former?.waits ?? 0) + 1;
  const withWaits = { ...fault, data: { ...fault.data, waits, waitsSince: isoOf(since) } };
  if (before.staleAt !== null && until > before.staleAt) {
    const message = `asked to be tried in ${formatDuration(pauseMs)}, and is of no use after ${isoOf(before.staleAt)}: ${fault.message}`;
    return {
      is: 'failed',
      fault: { ...withWaits, message, next: 'daruma replay, if it should run in spite of that' },
      retry: false,
    };
  }
  const isFree = until - since <= LONGEST_OUTAGE_WAIT_MS && waits <= MOST_WAITS;
  if (isFree)
    return { is: 'failed', fault: { ...withWaits, data: { ...withWaits.data, lost: 0 } }, retry: pauseMs, isFree };
  const message = `${fault.message} (asked ${waits} times to be tried later, for ${formatDuration(until - since)} in all: now it counts as an attempt)`;
  return { is: 'failed', fault: { ...withWaits, message }, retry: pauseMs };
}

/** How often in a row the job's plugin asked for another time, and since when (epoch ms); undefined when it did not. `isFree`: the last time cost nothing. */
export function waitsOf(error: PlainFault | null): { waits: number; since: number; isFree: boolean } | undefined {
  const { waits, waitsSince, lost } = error?.data ?? {};
  const since = typeof waitsSince === 'string' ? Date.parse(waitsSince) : Number.NaN;
  return typeof waits === 'number' && !Number.isNaN(since) ? { waits, since, isFree: lost === 0 } : undefined;
}
