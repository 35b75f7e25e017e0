/** One field of a cron expression: which values it may hold, and how people call it. */
export interface FieldRule {
  name: 'second' | 'minute' | 'hour' | 'day' | 'month' | 'weekday';
  /** `the field of the month`. */
  place: string;
  least: number;
  most: number;
  /** Of how many different values; a step above it can only be a mistake. */
  count: number;
}

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
export function weekdayName(weekday: number): string {
  const name = WEEKDAYS[weekday % 7]!;
  return name[0]!.toUpperCase() + name.slice(1);
}
