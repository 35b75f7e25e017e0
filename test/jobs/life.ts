import { type JobEvent, type JobLife, newJob, stepJob } from '../../src/jobs/job-state.ts';
import type { Owner } from '../../src/jobs/ports.ts';
import { type AttemptEnd, settle } from '../../src/jobs/settle.ts';

/** One accepted event of a history. */
export interface Turn {
  before: JobLife;
  event: JobEvent;
  after: JobLife | 'refused';
  now: number;
}

/** What a plugin's RetryLater asks for, in ms. */
export const ASKED_PAUSE = 700;
export const BACKOFF = { first: 1_000, longest: 8_000 };
const FAULT = { code: 'E', message: 'e' };
const ENDS: readonly AttemptEnd[] = [
  { is: 'done', result: null },
  { is: 'failed', fault: FAULT, retry: true },
  { is: 'failed', fault: FAULT, retry: true },
  { is: 'failed', fault: FAULT, retry: ASKED_PAUSE },
  { is: 'failed', fault: FAULT, retry: false },
  { is: 'failed', fault: FAULT, retry: ASKED_PAUSE, isFree: true },
];

/**
 * Lives one job through whatever the numbers say: each picks what happens next, mostly what fits, sometimes what is late
 * or of another attempt. States are frozen, so that a step that changes what it was given throws.
 */
export function liveJob(numbers: readonly number[]): Turn[] {
  const [first = 0] = numbers;
  let life = frozen(newJob(1_000, 1 + (first % 4), first % 5 === 0 ? 1_000 + (first % 9_000) : null));
  let now = 1_000;
  const turns: Turn[] = [];
  for (const number of numbers) {
    now += number % 7 === 0 ? 6_000 : number % 900;
    const event = frozen(eventOf(life, number, now));
    const after = stepJob(life, event);
    turns.push({ before: life, event, after, now });
    if (after !== 'refused') life = frozen(after);
  }
  return turns;
}

/** Two hosts, each of them in its first or its second run. */
function ownerOf(number: number): Owner {
  return { host: `host-${number % 2}`, run: `run-${number % 3 === 0 ? 1 : 2}` };
}

/** How often events of one kind come is weighed so that most histories see several attempts. */
function eventOf(life: JobLife, number: number, now: number): JobEvent {
  const chance = (number % 1_009) / 1_009;
  const aside = number % 11;
  // Of another attempt: one before, one after, or one that never was.
  const attempt = aside > 2 ? life.attempt : [life.attempt - 1, life.attempt + 1, 0][aside]!;
  switch (Math.floor(number / 1_009) % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return { is: 'claimed', now, owner: ownerOf(number), leaseUntil: now + 3_000 };
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
      return endOf(life, attempt, ENDS[number % ENDS.length]!, chance, now);
    case 10:
      return { is: 'released', attempt };
    case 11:
      return { is: 'lost', attempt, owner: ownerOf(number), now, again: now + Math.round(1_000 * chance) };
    case 12:
      return { is: 'renewed', attempt, leaseUntil: now + 3_000 };
    case 13:
      return number % 4 === 0 ? { is: 'promoted', now } : { is: 'redriven', now };
    case 14:
      return number % 4 === 0 ? { is: 'dropped' } : { is: 'stale', now };
    default:
      return number % 2 === 0 ? { is: 'cancelled' } : { is: 'cancelled', attempt };
  }
}

/** The end as the host decides it: `settle` says when the next attempt may start. */
function endOf(life: JobLife, attempt: number, end: AttemptEnd, chance: number, now: number): JobEvent {
  if (end.is !== 'failed') return { is: end.is, attempt };
  const facts = { job: 'j', attempt, attempts: life.attempts, startedAt: now, finishedAt: now };
  const { inMs } = settle(facts, end, BACKOFF, chance);
  return {
    is: 'failed',
    attempt,
    again: inMs === undefined ? null : now + inMs,
    ...(end.isFree ? { isFree: true } : {}),
  };
}

export function isOver(life: JobLife): boolean {
  return life.is === 'done' || life.is === 'dead' || life.is === 'cancelled';
}

function frozen<T extends object>(value: T): T {
  return Object.freeze(value);
}
