import { CronTime } from 'cron';
import { Fault } from '../fault.ts';
import { suggest } from '../suggest.ts';

/** What an expression allows, as plain data. Lists are sorted and never empty. */
export interface CronFields {
  /** As written, without the space around it. */
  expression: string;
  seconds: readonly number[];
  minutes: readonly number[];
  hours: readonly number[];
  /** Days of the month, 1–31. */
  days: readonly number[];
  /** 1–12. */
  months: readonly number[];
  /** 0 (Sunday) – 6. */
  weekdays: readonly number[];
  /** Not every day of the month is allowed. When the weekdays are restricted too, a day needs to match only one of them. */
  daysRestricted: boolean;
  /** Not every weekday is allowed. */
  weekdaysRestricted: boolean;
  /** Every hour is allowed: such a schedule follows elapsed time on the days when clocks change, others follow the wall clock. */
  everyHour: boolean;
}

const NICKNAMES: Record<string, string> = {
  '@secondly': '* * * * * *',
  '@minutely': '* * * * *',
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@weekdays': '0 0 * * 1-5',
  '@weekends': '0 0 * * 0,6',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

const RANGES = {
  second: [0, 59],
  minute: [0, 59],
  hour: [0, 23],
  dayOfMonth: [1, 31],
  month: [1, 12],
  dayOfWeek: [0, 6],
} as const;

/**
 * Parses five fields (minute hour day month weekday), six (seconds first) or a nickname such as `@daily`.
 * Throws a {@link Fault} `SCHEDULE_INVALID`. Whether the schedule ever comes due is `checkCron`'s question.
 */
export function parseCron(expression: string): CronFields {
  const written = expression.trim();
  const time = parse(written);
  const days = allowed(time, 'dayOfMonth');
  const weekdays = allowed(time, 'dayOfWeek');
  const hours = allowed(time, 'hour');
  return {
    expression: written,
    seconds: allowed(time, 'second'),
    minutes: allowed(time, 'minute'),
    hours,
    days,
    months: allowed(time, 'month'),
    weekdays,
    daysRestricted: days.length < 31,
    weekdaysRestricted: weekdays.length < 7,
    everyHour: hours.length === 24,
  };
}

/** A schedule that cannot be kept, with an example that can. */
export function scheduleFault(message: string, next?: string): Fault {
  const example =
    'write for example "0 2 * * *" (every day at 02:00) or "*/15 9-17 * * 1-5" (09:00, 09:15, 09:30 … on weekdays)';
  return new Fault({ code: 'SCHEDULE_INVALID', message, next: next ?? example });
}

function parse(written: string): CronTime {
  if (written === '') throw scheduleFault('the schedule is empty');
  let source = written;
  if (written.startsWith('@')) {
    const known = NICKNAMES[written.toLowerCase()];
    if (!known) {
      const near = suggest(written, Object.keys(NICKNAMES));
      throw scheduleFault(
        `schedule "${written}" is no known nickname${near ? `, did you mean ${near}?` : ''}`,
        `use one of ${Object.keys(NICKNAMES).join(', ')}, or five or six fields`,
      );
    }
    source = known;
  }
  const count = source.split(/\s+/).length;
  if (count < 5 || count > 6)
    throw scheduleFault(`schedule "${written}" has ${count} field${count === 1 ? '' : 's'} instead of five or six`);
  try {
    return new CronTime(source, 'UTC');
  } catch (error) {
    throw scheduleFault(`schedule "${written}" cannot be read: ${(error as Error).message}`);
  }
}

/**
 * The values that one field allows. `cron` keeps them in a private map whose keys are the values; its public `toJSON`
 * is of no use here, because it writes `0-58` as `*`. The check stops a new release of `cron` that keeps them otherwise.
 */
function allowed(time: CronTime, field: keyof typeof RANGES): number[] {
  const [low, high] = RANGES[field];
  const map: unknown = Reflect.get(time, field);
  const values = Object.keys(map ?? {})
    .map(Number)
    .sort((a, b) => a - b);
  if (values.length === 0 || !values.every((value) => Number.isInteger(value) && value >= low && value <= high))
    throw new Error(`the cron package keeps the field ${field} in an unknown form`);
  return values;
}
