import { CronTime } from 'cron';
import { suggest } from '../suggest.ts';
import type { DayOfMonthRule, NthWeekday } from './field-words.ts';
import { readCronText } from './grammar.ts';
import { foreignForm, Refused, scheduleFault } from './refusals.ts';

/**
 * Values that an expression allows, as plain data. Lists are sorted; only a list of days can be empty, when other
 * days are named instead.
 */
export interface CronFields {
  /** The expression as written, without the space around it. */
  expression: string;
  seconds: readonly number[];
  minutes: readonly number[];
  hours: readonly number[];
  /** Days of the month, 1–31. */
  days: readonly number[];
  /** Days of the month beside them: `L`, `LW`, `15W`. */
  specialDays: readonly DayOfMonthRule[];
  /** 1–12. */
  months: readonly number[];
  /** 0 (Sunday) – 6. */
  weekdays: readonly number[];
  /** Days beside them: `MON#1`, `FRI#L`. */
  nthWeekdays: readonly NthWeekday[];
  /** Not every day of the month is allowed. */
  daysRestricted: boolean;
  /** Not every weekday is allowed. */
  weekdaysRestricted: boolean;
  /** When both are restricted: a day must match both, because one of their fields begins with `*`; else either is enough. */
  needsBoth: boolean;
  /** Every hour is allowed: such a schedule follows elapsed time on the days when clocks change, others follow the wall clock. */
  everyHour: boolean;
}

const NICKNAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
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
  }),
);

const EXAMPLE =
  'write for example "0 2 * * *" (every day at 02:00) or "*/15 9-17 * * 1-5" (09:00, 09:15, 09:30 … on weekdays)';

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
 * Throws a {@link Fault} `SCHEDULE_INVALID`. Whether the schedule ever comes due is `checkSchedule`'s question.
 */
export function parseCron(expression: string): CronFields {
  const written = expression.trim();
  const text = reading(written, () => readCronText(sourceOf(written)));
  // An offset instead of a zone: a name would be looked up in luxon, which no bundle has.
  const time = new CronTime(text.plain, null, 0);
  const days = text.onlyDays ? [] : allowed(time, 'dayOfMonth');
  const weekdays = text.onlyWeekdays ? [] : allowed(time, 'dayOfWeek');
  const hours = allowed(time, 'hour');
  return {
    expression: written,
    seconds: allowed(time, 'second'),
    minutes: allowed(time, 'minute'),
    hours,
    days,
    specialDays: text.days,
    months: allowed(time, 'month'),
    weekdays,
    nthWeekdays: text.weekdays,
    daysRestricted: days.length < 31,
    weekdaysRestricted: weekdays.length < 7,
    needsBoth: text.needsBoth,
    everyHour: hours.length === 24,
  };
}

/** The fields behind a nickname; any other expression unchanged. */
export function sourceOf(written: string): string {
  if (written === '') throw new Refused('is empty', EXAMPLE);
  if (!written.startsWith('@') || foreignForm(written)) return written;
  const known = NICKNAMES.get(written.toLowerCase());
  if (known !== undefined) return known;
  const near = suggest(written, [...NICKNAMES.keys(), '@every 10m']);
  throw new Refused(
    `is no known alias${near ? `, did you mean ${near}?` : ''}`,
    `known are ${[...NICKNAMES.keys()].join(', ')} and "@every 90m"; or five or six fields`,
  );
}

/** Turns a {@link Refused} into a fault of the schedule as it is written. */
export function reading<T>(written: string, read: () => T, key?: string): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Refused ? scheduleFault(written, error.refusal, key) : error;
  }
}

/**
 * The values that a field allows. `cron` keeps them in a private map whose keys are the values; its public `toJSON`
 * is of no use here, because it writes `0-58` as `*`. The check stops a new release of `cron` that keeps them
 * otherwise.
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
