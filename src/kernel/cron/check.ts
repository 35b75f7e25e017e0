import { type CronFields, parseCron, scheduleFault } from './fields.ts';
import { nextTimes } from './next.ts';
import { checkTimezone } from './zone-name.ts';

/**
 * Parses an expression and makes sure that it comes due in that zone within eight years after `now` (epoch ms).
 * Throws a Fault `SCHEDULE_INVALID`, whose `next` shows an example with its next three times, or `TIMEZONE_UNKNOWN`.
 */
export function checkCron(expression: string, timezone: string, now: number): CronFields {
  checkTimezone(timezone);
  try {
    const fields = parseCron(expression);
    if (nextTimes(fields, timezone, now, 1).length > 0) return fields;
  } catch (error) {
    throw scheduleFault((error as Error).message, example(timezone, now));
  }
  throw scheduleFault(
    `schedule "${expression.trim()}" never comes due: none of its months has such a day`,
    example(timezone, now),
  );
}

function example(timezone: string, now: number): string {
  const written = '*/15 9-17 * * 1-5';
  const times = nextTimes(parseCron(written), timezone, now, 3).map((at) => wallClock(at, timezone));
  return `write for example "${written}": next ${times.join(', ')} (${timezone})`;
}

/** `2026-11-21 02:00` (with seconds when they are not zero): the zone's wall clock at an instant, for people. */
export function wallClock(instant: number, timezone: string): string {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timezone);
  const precision = zoned.second === 0 && zoned.millisecond === 0 ? 'minute' : 'second';
  return zoned.toPlainDateTime().toString({ smallestUnit: precision }).replace('T', ' ');
}
