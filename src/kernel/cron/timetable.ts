import { parseCron } from './fields.ts';
import { nextAfter } from './next.ts';
import { checkTimezone } from './zone-name.ts';

/** What is written about the times at which an agent is due. */
export interface TimetableSpec {
  /** As written. */
  expression: string;
  /** IANA name. */
  timezone: string;
}

/** The times at which an agent is due, all of them. */
export interface Timetable {
  /** Equal for timetables that have the same times. */
  key: string;
  /** As written, for people: `"0 9 * * *" (Europe/Berlin)`. */
  text: string;
  timezone: string;
  /** It has a last time. */
  hasEnd: boolean;
  /** The first time after `afterMs` (epoch ms), or undefined when none is left. */
  next(afterMs: number): number | undefined;
}

/** The timetable that a schedule describes. Throws a Fault `SCHEDULE_INVALID` or `TIMEZONE_UNKNOWN`. */
export function timetableOf({ expression, timezone }: TimetableSpec): Timetable {
  checkTimezone(timezone);
  const fields = parseCron(expression);
  return {
    key: JSON.stringify([fields.expression, timezone]),
    text: `"${fields.expression}" (${timezone})`,
    timezone,
    hasEnd: false,
    next: (afterMs) => nextAfter(fields, timezone, afterMs),
  };
}

/** The next `n` times after `afterMs`; fewer when the timetable ends before. */
export function nextTimes(timetable: Pick<Timetable, 'next'>, afterMs: number, n: number): number[] {
  const times: number[] = [];
  for (let at = timetable.next(afterMs); at !== undefined && times.length < n; at = timetable.next(at)) times.push(at);
  return times;
}
