import type { ScheduleSpec } from '../jobs/agent.ts';
import type { JobDetail } from '../jobs/ports.ts';
import { waitOf } from '../jobs/waiting.ts';
import { wallClock } from '../kernel/cron/check.ts';
import { rangeWords, timetableOf } from '../kernel/cron/timetable.ts';
import { zoneProblem } from '../kernel/cron/zone-name.ts';
import { toPlainFault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { MINUTE_MS } from '../kernel/measures.ts';
import { formatDuration } from '../kernel/units.ts';
import type { Slot } from './ports.ts';

/** Facts about one agent at one time. Times are epoch ms. */
export interface WhyFacts {
  agent: string;
  /** The time that was asked about. */
  at: number;
  now: number;
  /** The slot at (or next to) that time: see {@link slotNear}. */
  slot: Slot | undefined;
  /** The slot's job. */
  job: JobDetail | undefined;
  /** Why the job does not start, in a sentence; undefined: nothing is known to hold it up. */
  holdUp?: string | undefined;
  /** The schedule in force; undefined when the agent has none or is not in force. */
  schedule: ScheduleSpec | undefined;
  /** Triggers beside the schedule of an agent in force; undefined: the agent is not in force. */
  starts?: OtherStarts | undefined;
  /** The agent's nearest slots before and after `at`; they explain a time that has no slot. */
  before?: Slot;
  after?: Slot;
}

/** The triggers of an agent beside a schedule. */
interface OtherStarts {
  /** The agent runs as long as the host does. */
  always: boolean;
  webhook: boolean;
  /** Topics of events. */
  on: readonly string[];
}

interface Why {
  agent: string;
  /** The slot's due time; null when there is none. */
  slot: number | null;
  /** The slot's state, or `none`. */
  state: Slot['state'] | 'none';
  /** Oldest first. */
  steps: WhyStep[];
  /** The answer in one sentence. */
  sentence: string;
}

interface WhyStep {
  at: number;
  what: string;
  why: string | null;
}

/** Jobs that start this long after they might have are said to have waited. */
const LEAST_SHOWN_WAIT_MS = 1_000;

/** The slot that a question about `at` means: the one at that very time, else the nearest one within the same minute. */
export function slotNear(slots: Iterable<Slot>, at: number): Slot | undefined {
  const minute = Math.floor(at / MINUTE_MS);
  let best: Slot | undefined;
  for (const slot of slots) {
    if (slot.due !== at && Math.floor(slot.due / MINUTE_MS) !== minute) continue;
    if (!best || Math.abs(slot.due - at) < Math.abs(best.due - at)) best = slot;
  }
  return best;
}

/** Words that say why an agent did or did not run at a time. */
export function explainSlot(facts: WhyFacts): Why {
  const { agent, slot } = facts;
  if (!slot) return { agent, slot: null, state: 'none', steps: [], sentence: withoutSlot(facts) };
  const steps = [...slotSteps(slot), ...(facts.job ? jobSteps(facts.job) : [])];
  // Stable: of one moment, the slot speaks first.
  steps.sort((a, b) => a.at - b.at);
  return { agent, slot: slot.due, state: slot.state, steps, sentence: sentenceOf(facts, slot) };
}

function slotSteps(slot: Slot): WhyStep[] {
  const afterwards = slot.plannedAt > slot.due ? 'nobody was there to write it before its time' : null;
  const steps: WhyStep[] = [{ at: slot.plannedAt, what: 'planned', why: afterwards }];
  if (slot.state !== 'planned') steps.push({ at: slot.decidedAt ?? slot.due, what: slot.state, why: slot.reason });
  return steps;
}

function jobSteps(job: JobDetail): WhyStep[] {
  const wait = job.state === 'retrying' ? waitOf(job.error) : undefined;
  const isFirst = job.failures.length === 0 && job.attempt <= 1 && !wait;
  const held = isFirst && job.runAt > job.queuedAt ? `held until ${isoOf(job.runAt)} (jitter)` : null;
  const steps: WhyStep[] = [{ at: job.queuedAt, what: `${job.id} queued`, why: held }];
  for (const { attempt, startedAt, finishedAt, fault } of job.failures) {
    steps.push({ at: startedAt, what: `attempt ${attempt} started`, why: null });
    steps.push({ at: finishedAt, what: `attempt ${attempt} failed`, why: fault.message });
  }
  const isShown = job.failures.some(({ attempt }) => attempt === job.attempt);
  if (job.startedAt !== null && !isShown) {
    const waited = job.startedAt - Math.max(job.runAt, job.queuedAt);
    const why = waited > LEAST_SHOWN_WAIT_MS ? `waited ${formatDuration(waited)} for a worker` : null;
    steps.push({ at: job.startedAt, what: `attempt ${job.attempt} started`, why });
  }
  if (job.state === 'retrying') {
    if (wait) steps.push({ at: wait.since, what: `waits for ${wait.waitsFor}`, why: job.error?.message ?? null });
    const why = wait ? 'the wait costs no attempt' : 'pause after the failure';
    steps.push({ at: job.runAt, what: `attempt ${job.attempt + 1} may start`, why });
  }
  if (job.finishedAt !== null) steps.push({ at: job.finishedAt, what: job.state, why: job.error?.message ?? null });
  return steps;
}

function sentenceOf(facts: WhyFacts, slot: Slot): string {
  const due = `${facts.agent} was due at ${clock(facts, slot.due)}`;
  const because = slot.reason ? ` (${slot.reason})` : '';
  switch (slot.state) {
    case 'planned':
      return slot.due > facts.now
        ? `${facts.agent} is due at ${clock(facts, slot.due)}, in ${formatDuration(slot.due - facts.now)}.`
        : `${due}; it is overdue by ${formatDuration(facts.now - slot.due)} and will be settled as soon as the host looks.`;
    case 'ran':
      return `${due} and asked for a job${jobEnd(facts)}.`;
    case 'caught-up':
      return `${due}, was missed${because}, and was caught up later${jobEnd(facts)}.`;
    case 'skipped':
      return `${due} and was skipped: ${slot.reason ?? 'no reason is known'}.`;
    case 'missed':
      return `${due} and was missed: ${slot.reason ?? 'no reason is known'}.`;
    case 'cancelled':
      return `${facts.agent} would have been due at ${clock(facts, slot.due)}, but the slot was cancelled: ${slot.reason ?? 'no reason is known'}.`;
  }
}

function jobEnd({ job, now, holdUp }: WhyFacts): string {
  if (!job) return ', whose record is not kept any more';
  const attempt = job.attempt > 1 ? ` at attempt ${job.attempt}` : '';
  const because = job.error ? `: ${job.error.message}` : '';
  switch (job.state) {
    case 'done':
      return `; ${job.id} was done${attempt} in ${formatDuration((job.finishedAt ?? now) - (job.startedAt ?? now))}`;
    case 'running':
      return `; ${job.id} is running${attempt}, for ${formatDuration(now - (job.startedAt ?? now))}`;
    case 'queued':
      if (holdUp) return `; ${job.id} waits, for ${formatDuration(Math.max(0, now - job.runAt))}: ${holdUp}`;
      return job.runAt > now
        ? `; ${job.id} starts in ${formatDuration(job.runAt - now)}`
        : `; ${job.id} waits for a worker, for ${formatDuration(now - job.runAt)}`;
    case 'retrying': {
      const wait = waitOf(job.error);
      if (wait)
        return `; ${job.id} waits for ${wait.waitsFor} since ${isoOf(wait.since)}, loses no attempt by it, and is tried again at ${isoOf(job.runAt)}${because}`;
      const again = holdUp ? `waits: ${holdUp}` : `is tried again at ${isoOf(job.runAt)}`;
      return `; ${job.id} failed at attempt ${job.attempt} of ${job.attempts} and ${again}${because}`;
    }
    case 'dead':
      return `; ${job.id} was given up after attempt ${job.attempt} of ${job.attempts}${because}`;
    case 'cancelled':
      return `; ${job.id} was cancelled${because}`;
  }
}

function startWords(agent: string, { always, webhook, on }: OtherStarts): string {
  if (always) return `it runs as long as the host does, and daruma status ${agent} says since when`;
  const starts = [
    ...(on.length > 0 ? [`events of ${on.join(', ')} start it`] : []),
    ...(webhook ? [`deliveries to /hooks/${agent} start it, and daruma deliveries ${agent} has what came`] : []),
  ];
  return starts.length > 0 ? starts.join('; ') : `others hand it its jobs, which daruma jobs ${agent} lists`;
}

/** Why there is no slot at all: each case is a different thing to do. */
function withoutSlot(facts: WhyFacts): string {
  const { agent, at, now, schedule, before, after } = facts;
  const none = `${agent} has no slot at ${clock(facts, at)}`;
  const known = before ?? after;
  if (!schedule && facts.starts && !known) return `${agent} has no schedule: ${startWords(agent, facts.starts)}.`;
  if (!schedule) {
    return known
      ? `${none}: it is not in force or has no schedule now, and its nearest slot known is ${clock(facts, known.due)}.`
      : `${none}: it is not in force or has no schedule.`;
  }
  if (!before && after && after.state === 'planned' && after.due > now && at <= now) {
    const wait = formatDuration(after.due - now);
    return `${agent} has not been due yet, it is new to its schedule: it first runs at ${clock(facts, after.due)}, in ${wait}.`;
  }
  const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  let due: number | undefined;
  try {
    due = timetableOf(schedule).next(minute - 1);
  } catch (error) {
    return `${none}: its schedule cannot be kept: ${toPlainFault(error).message}.`;
  }
  if (due === undefined || due >= minute + MINUTE_MS) {
    const nearest = [before?.due, due].filter((one) => one !== undefined).map((one) => clock(facts, one));
    const list =
      nearest.length > 0 ? `; the nearest ${nearest.length === 1 ? 'is' : 'are'} ${nearest.join(' and ')}` : '';
    const range = rangeWords(schedule).map((words) => ` ${words}`);
    return `${none}: its schedule "${schedule.expression}"${range.join('')} asks for none at that time${list}.`;
  }
  if (at > now) return `${agent} will be due at ${clock(facts, due)}; its slot is written when that is near.`;
  if (!before)
    return after
      ? `${none}: it was not known then, or that time is not kept any more; its first slot known is ${clock(facts, after.due)}.`
      : `${none}: none of its slots is known yet.`;
  const later = after ? `; the next slot is ${clock(facts, after.due)}, ${after.reason ?? after.state}` : '';
  return `${none}: between ${clock(facts, before.due)} and then it had another schedule, was off, or missed more slots than are listed${later}.`;
}

/** `2026-11-21 02:00 (Europe/Berlin)`: as the agent's author thinks of it. */
function clock({ schedule }: WhyFacts, at: number): string {
  const asked = schedule?.timezone ?? 'UTC';
  const timezone = zoneProblem(asked) ? 'UTC' : asked;
  return `${wallClock(at, timezone)} (${timezone})`;
}
