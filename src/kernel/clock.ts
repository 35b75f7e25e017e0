import { isInstant } from './instant.ts';
import { DAY_MS, HOUR_MS } from './measures.ts';
import { formatDuration } from './units.ts';

/** The moment that texts are written at, and the time zone they are written in. */
export interface Clock {
  now: number;
  /** IANA name. */
  zone: string;
}

/** Stands where a time should, for what is none: nothing that is shown may fail for a number. */
const NO_TIME = '?';
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** `12:04`; `Sat 12:04` on another day; `11-02 12:04` more than six days away; with the year in another year. */
export function shortTime(ms: number, clock: Clock): string {
  if (!isInstant(Math.floor(ms))) return NO_TIME;
  const then = at(ms, clock);
  const today = at(clock.now, clock);
  const time = `${two(then.hour)}:${two(then.minute)}`;
  if (then.toPlainDate().equals(today.toPlainDate())) return time;
  if (Math.abs(ms - clock.now) < 6 * DAY_MS) return `${DAYS[then.dayOfWeek - 1]} ${time}`;
  const date = `${two(then.month)}-${two(then.day)} ${time}`;
  return then.year === today.year ? date : `${then.year}-${date}`;
}

/** `12:04:31`, or `12:04:31.020` with milliseconds. */
export function clockTime(ms: number, clock: Clock, withMs = false): string {
  if (!isInstant(Math.floor(ms))) return NO_TIME;
  const { hour, minute, second, millisecond } = at(ms, clock);
  const time = `${two(hour)}:${two(minute)}:${two(second)}`;
  return withMs ? `${time}.${String(millisecond).padStart(3, '0')}` : time;
}

/** `Sat 2026-11-21`. */
export function dayOf(ms: number, clock: Clock): string {
  if (!isInstant(Math.floor(ms))) return NO_TIME;
  const then = at(ms, clock);
  return `${DAYS[then.dayOfWeek - 1]} ${then.toPlainDate().toString()}`;
}

/** `Sat 2026-11-21 02:00:00 (+01:00)`. */
export function fullTime(ms: number, clock: Clock): string {
  if (!isInstant(Math.floor(ms))) return NO_TIME;
  return `${dayOf(ms, clock)} ${clockTime(ms, clock)} (${at(ms, clock).offset})`;
}

/** `in 41s` within the hour, `due 12:00` when it is past, else its short time. */
export function nextTime(ms: number, clock: Clock): string {
  if (!isInstant(Math.floor(ms))) return NO_TIME;
  if (ms < clock.now) return `due ${shortTime(ms, clock)}`;
  return ms - clock.now < HOUR_MS ? `in ${wholeDuration(ms - clock.now)}` : shortTime(ms, clock);
}

/** `6m ago`, `in 24m`, `now` within a second. */
export function relative(ms: number, clock: Clock): string {
  if (!isInstant(Math.floor(ms))) return NO_TIME;
  const away = ms - clock.now;
  if (Math.abs(away) < 1_000) return 'now';
  return away > 0 ? `in ${wholeDuration(away)}` : `${wholeDuration(-away)} ago`;
}

/** `12:04:31 (6m ago)` for what is past; with its day when that is another one. */
export function momentOf(ms: number, clock: Clock): string {
  if (!isInstant(Math.floor(ms))) return NO_TIME;
  const day = dayOf(ms, clock) === dayOf(clock.now, clock) ? '' : `${dayOf(ms, clock)} `;
  // The command may have waited for it: the clock is that of its beginning.
  return `${day}${clockTime(ms, clock)} (${relative(Math.min(ms, clock.now), clock)})`;
}

/** A single unit, for distances that change while they are read: `41s`, `6m`, `3h`, `2d`. */
function wholeDuration(ms: number): string {
  return formatDuration(ms < 60_000 ? Math.max(1, Math.round(ms / 1_000)) * 1_000 : ms)
    .split(' ')[0]!
    .replace(/\.\d+s$/, 's');
}

/** A text of the host with its times, which are ISO 8601 UTC, as people near the clock say them. */
export function localTimes(text: string, clock: Clock): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z(?![\w"'])/g, (iso) => {
    const ms = Date.parse(iso);
    if (!isInstant(ms)) return iso;
    const day = shortTime(ms, clock).split(' ').slice(0, -1).join(' ');
    return `${day ? `${day} ` : ''}${clockTime(ms, clock)}`;
  });
}

function at(ms: number, clock: Clock): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(clock.zone);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
