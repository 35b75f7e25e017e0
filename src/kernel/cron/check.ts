import { Fault } from '../fault.ts';
import { scheduleFault } from './refusals.ts';
import { nextTimes, type Timetable, type TimetableSpec, timetableOf } from './timetable.ts';

/**
 * Reads a schedule and makes sure that it is due some day: after `now` (epoch ms), or, when it has an end, at any time. Throws
 * a Fault `SCHEDULE_INVALID` that says what to write, or `TIMEZONE_UNKNOWN`. A schedule whose end has passed is a good one.
 */
export function checkSchedule(spec: TimetableSpec, now: number): Timetable {
  const timetable = timetableOf(spec);
  const { hasEnd, from } = timetable;
  if (timetable.next(hasEnd ? from - 1 : now) !== undefined) return timetable;
  const why =
    hasEnd || spec.except?.length
      ? 'never comes due between its beginning and its end'
      : 'never comes due: none of its months has such a day';
  throw scheduleFault(spec.expression.trim(), { message: why, next: `write ${example(spec.timezone, now)}` });
}

/** What is wrong with a schedule, as a part of a sentence after its key and value; undefined when it is good. */
export function whatIsWrongWith(
  spec: TimetableSpec,
  now: number,
): { key: string; message: string; next: string | undefined } | undefined {
  try {
    checkSchedule(spec, now);
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // What names nothing to copy gets an example.
    const withExample = (next = '') => (/["`]/.test(next) ? next : `${next}; ${example(spec.timezone, now)}`);
    const { code, message, next, data } = error.plain;
    if (code === 'TIMEZONE_UNKNOWN') return { key: 'timezone', message, next };
    const key = String(data?.key ?? 'schedule');
    return { key, message: String(data?.reason ?? message), next: key === 'schedule' ? withExample(next) : next };
  }
}

/** A valid expression with its next three times, to copy from. */
function example(timezone: string, now: number): string {
  const expression = '*/10 * * * *';
  const times = nextTimes(timetableOf({ expression, timezone }), now, 3).map((at) => wallClock(at, timezone).slice(11));
  return `for example "${expression}", which would run at ${times.join(', ')} (${timezone})`;
}

/** `2026-11-21 02:00` (with seconds when they are not zero): the zone's wall clock at an instant, for people. */
export function wallClock(instant: number, timezone: string): string {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timezone);
  const precision = zoned.second === 0 && zoned.millisecond === 0 ? 'minute' : 'second';
  return zoned.toPlainDateTime().toString({ smallestUnit: precision }).replace('T', ' ');
}
