import { BOUNDS } from '../kernel/bounds.ts';
import { isInstant } from '../kernel/instant.ts';
import { readLength } from '../kernel/units.ts';
import type { Clock } from './text/clock.ts';

/** A time has no more letters than this. */
const LONGEST = 64;
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const TIME = String.raw`(\d{1,2}):(\d{2})(?::(\d{2}))?`;
const CLOCK_TIME = new RegExp(`^(?:([a-z]+)\\s+)?${TIME}$`, 'i');
const DATE_TIME = new RegExp(`^(\\d{4})-(\\d{2})-(\\d{2})(?:[ t]${TIME}(?:\\.\\d+)?)?$`, 'i');
const WITH_ZONE = /^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:z|[+-]\d{2}:?\d{2})$/i;

/**
 * The moment, in epoch ms, that people mean by `02:00`, `Sat 02:00`, `yesterday 02:00`, `2026-11-21 02:00`, `2026-11-21`,
 * an ISO 8601 time or a length of time ago (`24h`, `10m ago`). Without a date it is the latest such time that is not in
 * the future; without an offset it is in the clock's zone. Undefined for anything else.
 */
export function parseWhen(text: string, clock: Clock): number | undefined {
  const at = text.length > LONGEST ? undefined : momentOf(text, clock);
  return isInstant(at) ? at : undefined;
}

function momentOf(text: string, clock: Clock): number | undefined {
  const words = text.trim().replace(/\s+/g, ' ');
  const ago = readLength(words.replace(/ ago$/i, ''), BOUNDS.back);
  if (typeof ago === 'number') return clock.now - ago;
  if (/^now$/i.test(words)) return clock.now;
  if (WITH_ZONE.test(words)) {
    const ms = Date.parse(words);
    return Number.isNaN(ms) ? undefined : ms;
  }
  const date = DATE_TIME.exec(words);
  if (date) return onDate(date, clock);
  const time = CLOCK_TIME.exec(words);
  return time ? latest(time, clock) : undefined;
}

function onDate(match: RegExpExecArray, clock: Clock): number | undefined {
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  try {
    const fields = { year: year!, month: month!, day: day!, hour: hour!, minute: minute!, second: second! };
    return toMs(Temporal.PlainDateTime.from(fields, { overflow: 'reject' }), clock);
  } catch {
    return undefined;
  }
}

function latest(match: RegExpExecArray, clock: Clock): number | undefined {
  const [hour, minute, second] = match.slice(2).map((part) => Number(part ?? 0));
  if (hour! > 23 || minute! > 59 || second! > 59) return undefined;
  const today = Temporal.Instant.fromEpochMilliseconds(clock.now).toZonedDateTimeISO(clock.zone).toPlainDate();
  const back = daysBack(match[1]?.toLowerCase(), today);
  if (back === undefined) return undefined;
  const time = Temporal.PlainTime.from({ hour: hour!, minute: minute!, second: second! });
  const found = toMs(today.subtract({ days: back.days }).toPlainDateTime(time), clock);
  if (found <= clock.now || back.again === 0) return found;
  return toMs(today.subtract({ days: back.days + back.again }).toPlainDateTime(time), clock);
}

/** How many days before today is meant, and how many more when that time is still to come; 0: it stays in the future. */
function daysBack(word: string | undefined, today: Temporal.PlainDate): { days: number; again: number } | undefined {
  if (word === undefined) return { days: 0, again: 1 };
  if (word === 'today') return { days: 0, again: 0 };
  if (word === 'yesterday') return { days: 1, again: 0 };
  const weekday = word.length < 3 ? -1 : WEEKDAYS.findIndex((day) => day.startsWith(word));
  return weekday < 0 ? undefined : { days: (today.dayOfWeek - 1 - weekday + 7) % 7, again: 7 };
}

/** An hour that the clocks skip is the one after it, an hour that comes twice is its first. */
function toMs(time: Temporal.PlainDateTime, clock: Clock): number {
  return time.toZonedDateTime(clock.zone, { disambiguation: 'compatible' }).epochMilliseconds;
}
