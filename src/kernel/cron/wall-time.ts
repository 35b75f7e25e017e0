import { Refused } from './refusals.ts';

/** A stretch of time, epoch ms; the end is not part of it. */
export interface Span {
  start: number;
  end: number;
}

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const MOMENT = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?$/i;
const EARLIEST = 1970;
const LATEST = 2999;
const WRITE = 'write a day as 2026-12-24, or a moment as 2026-12-24T18:00, both in the time zone of the schedule';

/** A day, or a moment of a day, as people write it. Throws {@link Refused}. */
export function dayOrMoment(text: string): Temporal.PlainDate | Temporal.PlainDateTime {
  const said = text.trim();
  if (/\d(?:Z|[+-]\d{2}:?\d{2})$/i.test(said) && said.length > 16)
    throw new Refused('has an offset of its own', `${WRITE}: leave Z and the offset out`);
  const match = DAY.exec(said) ?? MOMENT.exec(said);
  if (!match) throw new Refused('is no day and no moment', WRITE);
  const year = Number(match[1]);
  if (year < EARLIEST || year > LATEST) throw new Refused(`is in no year from ${EARLIEST} to ${LATEST}`, WRITE);
  try {
    const upper = said.replace(' ', 'T').toUpperCase();
    return match.length === 4 ? Temporal.PlainDate.from(upper) : Temporal.PlainDateTime.from(upper);
  } catch {
    throw new Refused('is on no calendar', WRITE);
  }
}

/** The first instant (epoch ms) at which the zone's wall clock shows that time or a later one: the rule of all schedules. */
export function firstInstant(wall: Temporal.PlainDateTime, timezone: string): number {
  const earlier = wall.toZonedDateTime(timezone, { disambiguation: 'earlier' });
  if (earlier.toPlainDateTime().equals(wall)) return earlier.epochMilliseconds;
  // Skipped: what is earlier lies before the change, which is therefore the next one.
  return earlier.getTimeZoneTransition('next')?.epochMilliseconds ?? earlier.epochMilliseconds;
}

/** A day, or the days from the first to the last of `2026-12-24/2027-01-01`. Throws {@link Refused}. */
export function readExcept(text: string, timezone: string): Span {
  const [first, last = first, ...more] = text.split('/');
  const [from, to] = [dayOrMoment(first!), dayOrMoment(last!)];
  if (more.length > 0 || 'hour' in from || 'hour' in to)
    throw new Refused('names no whole days', 'write a day as 2026-12-25, or days as 2026-12-24/2027-01-01');
  if (Temporal.PlainDate.compare(from, to) > 0) throw new Refused('ends before it begins', `write ${last}/${first}`);
  return {
    start: firstInstant(from.toPlainDateTime(), timezone),
    end: firstInstant(to.add({ days: 1 }).toPlainDateTime(), timezone),
  };
}
