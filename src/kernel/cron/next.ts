import { DAY_MS, HOUR_MS, MINUTE_MS } from '../measures.ts';
import { type CalendarDay, isDayOfMonth, isNthWeekday } from './field-words.ts';
import type { CronFields } from './fields.ts';
import { checkTimezone } from './zone-name.ts';

/**
 * A stretch of time in which a zone keeps one offset. Wall times here are epoch ms of the same reading in UTC, so that
 * `wall = instant + offset`.
 */
interface Stretch {
  /** Epoch ms; the first one reaches back to −Infinity. */
  from: number;
  /** Epoch ms, not part of it; Infinity when the zone never changes again. */
  to: number;
  offset: number;
  /** The wall time that the zone's clocks had reached before `from`: later than `from + offset` when they were set back. */
  reached: number;
}

interface Zone {
  stretches: Stretch[];
  /** Where the search for the next change goes on. */
  at: Temporal.ZonedDateTime;
}

/** Looking a change up costs 2 µs and each asked instant 1.5 µs; from this memory it costs next to nothing. */
const zones = new Map<string, Zone>();

const SECOND = 1_000;

/**
 * A 29 February that is a Monday can be 40 years away (2072 → 2112); what has not come due by then never does: the calendar has
 * shown each of its years.
 */
export const LONGEST_SEARCH_MS = 41 * 366 * DAY_MS;

/**
 * The first time after `afterMs` (epoch ms) at which the schedule is due, or undefined when it never is again.
 *
 * When clocks change: a schedule that allows every hour is due whenever the wall clock shows one of its times, so it goes on
 * evenly through both changes. Other schedules keep each of their wall times once: at the first instant at which the wall
 * clock shows it *or later*. A skipped 02:30 is kept when the clocks are put forward to 03:00, and a 02:30 that comes twice is
 * kept the first time.
 */
export function nextAfter(fields: CronFields, timezone: string, afterMs: number): number | undefined {
  const start = Math.max(afterMs, -1);
  const give = start + LONGEST_SEARCH_MS;
  let { index, stretch } = stretchAt(timezone, start);
  // The first whole second after `start`: schedules know no milliseconds.
  let wall = (Math.floor((start + stretch.offset) / SECOND) + 1) * SECOND;
  for (;;) {
    if (!fields.everyHour) wall = Math.max(wall, stretch.reached);
    const match = firstMatch(fields, wall, Math.min(stretch.to, give) + stretch.offset);
    if (match !== undefined) return match - stretch.offset;
    if (stretch.to >= give) return undefined;
    stretch = stretchNumber(timezone, ++index);
    wall = stretch.from + stretch.offset;
    const wasSkipped = !fields.everyHour && firstMatch(fields, stretch.reached, wall) !== undefined;
    if (wasSkipped) return stretch.from;
  }
}

/** The first matching wall time with from ≤ time < to. `from` is a whole second. */
function firstMatch(fields: CronFields, from: number, to: number): number | undefined {
  let day = Math.floor(from / DAY_MS);
  let least = from - day * DAY_MS;
  while (day * DAY_MS + least < to) {
    const date = civil(day);
    if (!fields.months.includes(date.month)) {
      day += date.daysInMonth - date.day + 1;
    } else if (!dayMatches(fields, { ...date, weekday: weekdayOf(day) })) {
      day++;
    } else {
      const time = firstOfDay(fields, least);
      if (time !== undefined) return day * DAY_MS + time < to ? day * DAY_MS + time : undefined;
      day++;
    }
    least = 0;
  }
  return undefined;
}

/** Vixie cron's rule: with both the day of the month and the weekday restricted, either is enough, unless a field begins with `*`. */
function dayMatches(fields: CronFields, date: CalendarDay): boolean {
  const { daysRestricted, weekdaysRestricted } = fields;
  const onDay = () => fields.days.includes(date.day) || fields.specialDays.some((rule) => isDayOfMonth(rule, date));
  const onWeekday = () =>
    fields.weekdays.includes(date.weekday) || fields.nthWeekdays.some((rule) => isNthWeekday(rule, date));
  if (!daysRestricted) return !weekdaysRestricted || onWeekday();
  if (!weekdaysRestricted) return onDay();
  return fields.needsBoth ? onDay() && onWeekday() : onDay() || onWeekday();
}

/** The first matching time of day (ms) that is not before `least`. */
function firstOfDay(fields: CronFields, least: number): number | undefined {
  const hour = Math.floor(least / HOUR_MS);
  const minute = Math.floor(least / MINUTE_MS) % 60;
  const second = Math.floor(least / SECOND) % 60;
  const firstMinute = fields.minutes[0]! * MINUTE_MS;
  const firstSecond = fields.seconds[0]! * SECOND;
  if (fields.hours.includes(hour)) {
    if (fields.minutes.includes(minute)) {
      const s = atLeast(fields.seconds, second);
      if (s !== undefined) return hour * HOUR_MS + minute * MINUTE_MS + s * SECOND;
    }
    const m = atLeast(fields.minutes, minute + 1);
    if (m !== undefined) return hour * HOUR_MS + m * MINUTE_MS + firstSecond;
  }
  const h = atLeast(fields.hours, hour + 1);
  return h === undefined ? undefined : h * HOUR_MS + firstMinute + firstSecond;
}

function atLeast(values: readonly number[], least: number): number | undefined {
  for (const value of values) if (value >= least) return value;
  return undefined;
}

/** 1 January 1970 was a Thursday. */
function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

/** The date of a day counted from 1 January 1970 (years counted from 1 March, so that 29 February is last). */
function civil(day: number): { month: number; day: number; daysInMonth: number } {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  // January and February belong to the year after the one that is counted from March.
  const isLeap = (year + 1) % 4 === 0 && ((year + 1) % 100 !== 0 || (year + 1) % 400 === 0);
  return {
    month,
    day: ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
    daysInMonth: month === 2 ? (isLeap ? 29 : 28) : 30 + ((month + (month > 7 ? 1 : 0)) % 2),
  };
}

/** The zone's stretch that holds the instant. Instants before 1970 are taken to have the offset of 1970. */
function stretchAt(timezone: string, instant: number): { index: number; stretch: Stretch } {
  const zone = zoneOf(timezone);
  while (zone.stretches.at(-1)!.to <= instant) extend(zone);
  let low = 0;
  let high = zone.stretches.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (zone.stretches[middle]!.to <= instant) low = middle + 1;
    else high = middle;
  }
  return { index: low, stretch: zone.stretches[low]! };
}

/** The stretch of that number, counted from 1970; it must exist: the one before it ends. */
function stretchNumber(timezone: string, index: number): Stretch {
  const zone = zoneOf(timezone);
  while (zone.stretches.length <= index) extend(zone);
  return zone.stretches[index]!;
}

function zoneOf(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known) return known;
  checkTimezone(timezone);
  const at = new Temporal.ZonedDateTime(0n, timezone);
  const first = { from: -Infinity, offset: at.offsetNanoseconds / 1e6, reached: -Infinity };
  const zone: Zone = { stretches: [{ ...first, to: nextChange(at)?.epochMilliseconds ?? Infinity }], at };
  zones.set(timezone, zone);
  return zone;
}

function extend(zone: Zone): void {
  const last = zone.stretches.at(-1)!;
  zone.at = nextChange(zone.at)!;
  zone.stretches.push({
    from: last.to,
    to: nextChange(zone.at)?.epochMilliseconds ?? Infinity,
    offset: zone.at.offsetNanoseconds / 1e6,
    reached: Math.max(last.reached, last.to + last.offset),
  });
}

function nextChange(at: Temporal.ZonedDateTime): Temporal.ZonedDateTime | null {
  return at.getTimeZoneTransition('next');
}
