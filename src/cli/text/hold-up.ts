import type { HoldUpView, JobView, UsedKeyView } from '../../control/protocol.ts';
import { type Clock, nextTime, shortTime } from './clock.ts';
import type { Paint } from './paint.ts';

/** `slow is paused until 14:00`; `held until the next probe in 4m: log-summary is in quarantine (inc-1)`. */
export function holdUpWords({ text, until, is }: HoldUpView, clock: Clock): string {
  if (until === null) return text;
  const at = Date.parse(until);
  if (is === 'paused') return `${text} until ${shortTime(at, clock)}`;
  return is === 'quarantined' ? text.replace(':', ` ${nextTime(at, clock)}:`) : `${text}, again ${nextTime(at, clock)}`;
}

/** Why a job that was asked for does not run now, and what to type. */
export function holdUpLines(job: JobView, { clock, paint }: { clock: Clock; paint: Paint }): string[] {
  if (!job.holdUp) return [];
  const words = holdUpWords(job.holdUp, clock).replace(/^it waits/, 'waits');
  const lines = [`${paint('yellow', '‖')} ${job.id} ${words.startsWith('waits') ? words : `waits: ${words}`}`];
  if (job.holdUp.next) lines.push(`  ${paint('cyan', '→')} ${job.holdUp.next}`);
  return lines;
}

/** Words for why no job was queued. */
export function usedKeyLines(
  job: JobView,
  { since, state, sameInput }: UsedKeyView,
  { clock, paint }: { clock: Clock; paint: Paint },
): string[] {
  const is = state === 'done' || state === 'dead' ? `, and is ${state}` : '';
  const differs = sameInput ? '' : '; its input differs from yours';
  const sign = isAsAsked({ state, sameInput }) ? paint('yellow', '·') : paint('red', '✗');
  const at = shortTime(Date.parse(since), clock);
  const lines = [`${sign} nothing was queued: ${job.id} of ${at} has this key${is}${differs}`];
  const next = state === 'dead' ? `daruma replay ${job.id}   ` : '';
  lines.push(`  ${paint('cyan', '→')} ${next}daruma jobs ${job.id}`);
  return lines;
}

/** True when the job that has the key has done the work, or will. */
export function isAsAsked({ state, sameInput }: Pick<UsedKeyView, 'state' | 'sameInput'>): boolean {
  return sameInput && state !== 'dead';
}
