import { type Clock, nextTime, shortTime } from '../../kernel/clock.ts';
import { mayHelp } from '../../kernel/fault.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { HoldUpView, JobView } from '../protocol.ts';

/** `retrying 2/5`, `waiting`: a job that does not run never looks like a running one. */
export function jobState({ state, attempt, attempts, waitsFor, waits }: JobView): string {
  if (waitsFor || waits) return 'waiting';
  return state === 'retrying' || (state === 'running' && attempt > 1) ? `${state} ${attempt}/${attempts}` : state;
}

/** The end of a job, or the reason why it waits: `again in 38s: 429 from api.example`. */
export function outcomeWords(job: JobView, clock: Clock): string {
  const held = heldUpWords(job, clock);
  if (held !== null) return held;
  if (job.waitsFor) return `for ${job.waitsFor}, again ${soon(Date.parse(job.runAt), clock)}`;
  if (job.waits)
    return `asked to be tried later, again ${soon(Date.parse(job.runAt), clock)}: ${oneLine(job.error?.message ?? '')}`;
  if (job.state === 'retrying') {
    return `again ${soon(Date.parse(job.runAt), clock)}${job.error ? `: ${oneLine(job.error.message)}` : ''}`;
  }
  if (job.state === 'queued') return soon(Date.parse(job.runAt), clock);
  if (job.error) return oneLine(job.error.message);
  return job.result === null || job.result === undefined ? '' : oneLine(JSON.stringify(job.result));
}

/** When something that waits may start: `now` when nothing but a free worker is missing. */
function soon(ms: number, clock: Clock): string {
  return ms <= clock.now ? 'now' : nextTime(ms, clock);
}

/** From the first attempt's start to the end of the last one, in ms, with the pauses between; null before an end. */
export function wallMs({ durationMs, finishedAt, queuedAt, attempt, failures }: JobView): number | null {
  if (durationMs === null || finishedAt === null || attempt <= 1) return durationMs;
  return Math.max(durationMs, Date.parse(finishedAt) - Date.parse(failures?.[0]?.startedAt ?? queuedAt));
}

/** Why a dead job had no more attempts although some were left. */
export function neverAgain({ state, error, attempt, attempts }: JobView): string | undefined {
  return state === 'dead' && error && attempt < attempts && !mayHelp(error)
    ? 'not tried again: no other attempt can help'
    : undefined;
}

/** Why a job that waits does not start, in words; null: nothing holds it up, or what its last attempt met, which is told with it. */
export function heldUpWords({ holdUp }: JobView, clock: Clock): string | null {
  return holdUp && holdUp.is !== 'origin' ? holdUpWords(holdUp, clock) : null;
}

/** `slow is paused until 14:00`; `held until the next probe in 4m: log-summary is in quarantine (inc-1)`. */
export function holdUpWords({ text, until, is }: HoldUpView, clock: Clock): string {
  if (until === null) return text;
  const at = Date.parse(until);
  if (is === 'paused') return `${text} until ${shortTime(at, clock)}`;
  return is === 'quarantined' ? text.replace(':', ` ${nextTime(at, clock)}:`) : `${text}, again ${nextTime(at, clock)}`;
}
