import { Refused } from './refusals.ts';

/** A field of a cron expression: which values it may hold, and how people call it. */
export interface FieldRule {
  name: 'second' | 'minute' | 'hour' | 'day' | 'month' | 'weekday';
  /** `the field of the month`. */
  place: string;
  least: number;
  most: number;
  /** Of how many different values; a step above it can only be a mistake. */
  count: number;
}

/** The fields of a cron expression. */
export const FIELDS = {
  second: { name: 'second', place: 'the field of the second', least: 0, most: 59, count: 60 },
  minute: { name: 'minute', place: 'the field of the minute', least: 0, most: 59, count: 60 },
  hour: { name: 'hour', place: 'the field of the hour', least: 0, most: 23, count: 24 },
  day: { name: 'day', place: 'the field of the day of the month', least: 1, most: 31, count: 31 },
  month: { name: 'month', place: 'the field of the month', least: 1, most: 12, count: 12 },
  // Sunday is 0 and 7.
  weekday: { name: 'weekday', place: 'the field of the weekday', least: 0, most: 7, count: 7 },
} as const satisfies Record<string, FieldRule>;

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** The number that a name stands for, and of which field it is: `jan`, `January`, `MON`. */
export function namedValue(word: string): { field: 'month' | 'weekday'; value: number } | undefined {
  const small = word.toLowerCase();
  const is = (name: string) => name === small || name.slice(0, 3) === small;
  const month = MONTHS.findIndex(is);
  if (month >= 0) return { field: 'month', value: month + 1 };
  const weekday = WEEKDAYS.findIndex(is);
  return weekday >= 0 ? { field: 'weekday', value: weekday } : undefined;
}

/** Names that may stand in the field, for the suggestion of a near one. */
export function fieldNames(field: FieldRule['name']): string[] {
  const full = field === 'month' ? MONTHS : field === 'weekday' ? WEEKDAYS : [];
  return full.flatMap((name) => [name.slice(0, 3), name]);
}

/** `Monday`. */
function weekdayName(weekday: number): string {
  const name = WEEKDAYS[weekday % 7]!;
  return name[0]!.toUpperCase() + name.slice(1);
}

/**
 * `L`: the last day (0), `L-3`: three days before it · `15W`: the weekday nearest to the 15th · `LW`: the last
 * weekday of the month.
 */
export type DayOfMonthRule =
  | { is: 'from-end'; days: number }
  | { is: 'nearest-weekday'; day: number }
  | { is: 'last-weekday' };

/** `MON#1`: the first Monday of a month; `nth` 0: the last one (`FRI#L`, `5L`). */
export interface NthWeekday {
  /** 0 (Sunday) – 6. */
  weekday: number;
  nth: number;
}

/** A day of a month, as the rules need it. */
export interface CalendarDay {
  day: number;
  daysInMonth: number;
  /** 0 (Sunday) – 6. */
  weekday: number;
}

/** Reads a part of the field of the day of the month; undefined for a part without such a rule. */
export function readDayOfMonth(item: string): DayOfMonthRule | undefined {
  if (/^LW$/i.test(item)) return { is: 'last-weekday' };
  const end = /^L(?:-(\d{1,2}))?$/i.exec(item);
  if (end) {
    const days = Number(end[1] ?? 0);
    if (days > 30) throw new Refused(`"${item}" is before the first day of every month`, 'write L-30 at the most');
    return { is: 'from-end', days };
  }
  const near = /^(\d{1,2})W$/i.exec(item);
  if (!near) return undefined;
  const day = Number(near[1]);
  if (day < FIELDS.day.least || day > FIELDS.day.most)
    throw new Refused(`"${item}" names no day of a month`, 'write 1W to 31W, or LW for the last one');
  return { is: 'nearest-weekday', day };
}

/** Reads a part of the field of the weekday; undefined for a part without such a rule. */
export function readNthWeekday(item: string): NthWeekday | undefined {
  const last = /^([a-z]+|\d)#?L$/i.exec(item);
  const nth = /^([a-z]+|\d)#(\d+)$/i.exec(item);
  const match = last ?? nth;
  if (!match) return undefined;
  const weekday = weekdayOf(match[1]!);
  // `jul` is a month that ends with an l.
  if (weekday === undefined && !item.includes('#')) return undefined;
  if (weekday === undefined)
    throw new Refused(`"${match[1]}" in "${item}" is no weekday`, 'write it as MON#1 or FRI#L');
  if (last) return { weekday, nth: 0 };
  const number = Number(nth![2]);
  if (number < 1 || number > 5)
    throw new Refused(
      `no month has a ${weekdayName(weekday)} number ${number}`,
      'write #1 to #5, or #L for the last one',
    );
  return { weekday, nth: number };
}

function weekdayOf(word: string): number | undefined {
  if (/^\d$/.test(word)) return Number(word) <= 7 ? Number(word) % 7 : undefined;
  const named = namedValue(word);
  return named?.field === 'weekday' ? named.value : undefined;
}

/** Whether a rule takes the day. */
export function isDayOfMonth(rule: DayOfMonthRule, { day, daysInMonth, weekday }: CalendarDay): boolean {
  switch (rule.is) {
    case 'from-end':
      return day === daysInMonth - rule.days;
    case 'last-weekday':
      return day === nearest(daysInMonth, daysInMonth, weekday + daysInMonth - day);
    case 'nearest-weekday':
      // A month without the 31st has no weekday nearest to it.
      return rule.day <= daysInMonth && day === nearest(rule.day, daysInMonth, weekday + rule.day - day);
  }
}

/** Whether the day is that weekday of its month. */
export function isNthWeekday({ weekday, nth }: NthWeekday, date: CalendarDay): boolean {
  if (date.weekday !== weekday) return false;
  return nth === 0 ? date.day > date.daysInMonth - 7 : Math.ceil(date.day / 7) === nth;
}

/** The day from Monday to Friday that is nearest to `day` within its month; `weekday` of that day, modulo 7. */
function nearest(day: number, daysInMonth: number, weekday: number): number {
  const on = ((weekday % 7) + 7) % 7;
  if (on === 6) return day > 1 ? day - 1 : day + 2;
  if (on === 0) return day < daysInMonth ? day + 1 : day - 2;
  return day;
}
