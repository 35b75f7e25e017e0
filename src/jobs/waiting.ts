import type { PlainFault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { DAY_MS } from '../kernel/measures.ts';
import { formatDuration } from '../kernel/units.ts';
import type { Job } from './model.ts';
import type { AttemptEnd } from './step.ts';

/** The longest that a job waits, without a break, for something that it can do nothing about. Then it is a dead letter. */
export const LONGEST_OUTAGE_WAIT_MS = DAY_MS;

/** What holds a failed attempt's job up, by somebody who knows. */
export interface HoldUp {
  /** When it is worth to try again, epoch ms. */
  until: number;
  /** In a word, for people: `https://api.example`. */
  waitsFor: string;
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
 * What the end of an attempt means that was held up: the job waits, which costs it no attempt, or it is a dead letter that
 * says what it waited for, and for how long: because the wait would be longer than a day, or than the job is of use.
 */
export function waitOrGiveUp({ fault, holdUp, startedAt, finishedAt, before }: WaitFacts): AttemptEnd {
  const { until, waitsFor } = holdUp;
  const since = waitOf(before.error)?.since ?? startedAt;
  const data = { ...fault.data, waitsFor, waitsSince: isoOf(since) };
  const why = endOfPatience(until, since, before.staleAt);
  if (why === null) {
    const retry = Math.max(0, until - finishedAt);
    return { is: 'failed', fault: { ...fault, data }, retry, isFree: true };
  }
  const message = `waited ${formatDuration(finishedAt - since)} for ${waitsFor} in vain, ${why}: ${fault.message}`;
  const next = 'when it is back: daruma replay';
  return { is: 'failed', fault: { ...fault, message, next, data }, retry: false };
}

/** What a job waits for that was held up, and since when (epoch ms); undefined for any other. */
export function waitOf(error: PlainFault | null): { waitsFor: string; since: number } | undefined {
  const { waitsFor, waitsSince } = error?.data ?? {};
  const since = typeof waitsSince === 'string' ? Date.parse(waitsSince) : Number.NaN;
  return typeof waitsFor === 'string' && !Number.isNaN(since) ? { waitsFor, since } : undefined;
}

function endOfPatience(until: number, since: number, staleAt: number | null): string | null {
  if (staleAt !== null && until > staleAt) return `and is of no use after ${isoOf(staleAt)}`;
  if (until > since + LONGEST_OUTAGE_WAIT_MS) return `which is as long as a job waits`;
  return null;
}
