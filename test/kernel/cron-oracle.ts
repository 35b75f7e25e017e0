import fc from 'fast-check';

/** What an expression allows, drawn before the expression is written: the oracle never sees our parser. */
export interface Sets {
  seconds: number[];
  minutes: number[];
  hours: number[];
  days: number[];
  months: number[];
  weekdays: number[];
}

const between = (low: number, high: number) => Array.from({ length: high - low + 1 }, (_, i) => low + i);
const ALL = {
  seconds: between(0, 59),
  minutes: between(0, 59),
  hours: between(0, 23),
  days: between(1, 31),
  months: between(1, 12),
  weekdays: between(0, 6),
};

/** Writes a set as people do: `*`, a step, a range, a list. */
function written(values: number[], [low, high]: [number, number]): string {
  if (values.length === high - low + 1) return '*';
  const step = values.length > 1 ? values[1]! - values[0]! : 0;
  const isEven = values.every((value, i) => value === values[0]! + i * step);
  if (values.length > 2 && isEven && values.at(-1)! + step > high)
    return values[0] === low ? `*/${step}` : `${values[0]}-${high}/${step}`;
  if (values.length > 2 && isEven && step === 1) return `${values[0]}-${values.at(-1)}`;
  return values.join(',');
}

export function expressionOf(sets: Sets): string {
  const fields = [
    written(sets.seconds, [0, 59]),
    written(sets.minutes, [0, 59]),
    written(sets.hours, [0, 23]),
    written(sets.days, [1, 31]),
    written(sets.months, [1, 12]),
    written(sets.weekdays, [0, 6]),
  ];
  return (fields[0] === '0' ? fields.slice(1) : fields).join(' ');
}

function someOf(all: number[], most: number) {
  return fc.oneof(
    fc.constant(all),
    fc
      .uniqueArray(fc.constantFrom(...all), { minLength: 1, maxLength: most })
      .map((list) => list.sort((a, b) => a - b)),
    fc.integer({ min: 2, max: Math.max(2, all.length >> 1) }).map((step) => all.filter((_, i) => i % step === 0)),
    fc
      .tuple(fc.nat(all.length - 1), fc.nat(all.length - 1))
      .map(([a, b]) => all.slice(Math.min(a, b), Math.max(a, b) + 1)),
  );
}

/** Any expression, down to every second. */
export const anySets: fc.Arbitrary<Sets> = fc.record({
  seconds: fc.oneof(
    { weight: 3, arbitrary: fc.constant<number[]>([0]) },
    { weight: 1, arbitrary: someOf(ALL.seconds, 3) },
  ),
  minutes: someOf(ALL.minutes, 4),
  hours: someOf(ALL.hours, 4),
  days: fc.oneof(fc.constant(ALL.days), someOf(ALL.days, 4)),
  months: fc.oneof(fc.constant(ALL.months), someOf(ALL.months, 3)),
  weekdays: fc.oneof(fc.constant(ALL.weekdays), someOf(ALL.weekdays, 3)),
});

/** At most a few times a day, so that ten years can be listed. */
export const sparseSets: fc.Arbitrary<Sets> = fc.record({
  seconds: fc.constant<number[]>([0]),
  minutes: fc.uniqueArray(fc.constantFrom(...ALL.minutes), { minLength: 1, maxLength: 1 }),
  hours: fc
    .uniqueArray(fc.constantFrom(...ALL.hours), { minLength: 1, maxLength: 2 })
    .map((list) => list.sort((a, b) => a - b)),
  days: fc.oneof(fc.constant(ALL.days), someOf(ALL.days, 4)),
  months: fc.oneof(fc.constant(ALL.months), someOf(ALL.months, 3)),
  weekdays: fc.oneof(fc.constant(ALL.weekdays), someOf(ALL.weekdays, 3)),
});

/**
 * Every time with after < time ≤ upTo, by the documented rule and by Temporal alone: all wall times that the calendar
 * allows, each put into the zone by Temporal's own disambiguation.
 */
export function listed(sets: Sets, timezone: string, after: number, upTo: number): number[] {
  const found = new Set<number>();
  const everyHour = sets.hours.length === 24;
  const first = Temporal.Instant.fromEpochMilliseconds(after).toZonedDateTimeISO(timezone).toPlainDate();
  const last = Temporal.Instant.fromEpochMilliseconds(upTo).toZonedDateTimeISO(timezone).toPlainDate().add({ days: 2 });
  for (
    let date = first.subtract({ days: 2 });
    Temporal.PlainDate.compare(date, last) <= 0;
    date = date.add({ days: 1 })
  ) {
    if (!isAllowed(sets, date)) continue;
    for (const hour of sets.hours)
      for (const minute of sets.minutes)
        for (const second of sets.seconds)
          for (const at of instantsOf(date.toPlainDateTime({ hour, minute, second }), timezone, everyHour))
            if (at > after && at <= upTo) found.add(at);
  }
  return [...found].sort((a, b) => a - b);
}

function isAllowed(sets: Sets, date: Temporal.PlainDate): boolean {
  const { days, months, weekdays } = sets;
  if (!months.includes(date.month)) return false;
  const onDay = days.includes(date.day);
  const onWeekday = weekdays.includes(date.dayOfWeek % 7);
  // Vixie's rule looks at how a field is written.
  const hasStar = [written(days, [1, 31]), written(weekdays, [0, 6])].some((text) => text.startsWith('*'));
  return days.length < 31 && weekdays.length < 7 && !hasStar ? onDay || onWeekday : onDay && onWeekday;
}

export function instantsOf(wall: Temporal.PlainDateTime, timezone: string, everyHour: boolean): number[] {
  const earlier = wall.toZonedDateTime(timezone, { disambiguation: 'earlier' });
  const exists = earlier.toPlainDateTime().equals(wall);
  if (exists && !everyHour) return [earlier.epochMilliseconds];
  if (exists)
    return [earlier.epochMilliseconds, wall.toZonedDateTime(timezone, { disambiguation: 'later' }).epochMilliseconds];
  // Skipped: `earlier` is before the change, which is therefore the next one.
  return everyHour ? [] : [earlier.getTimeZoneTransition('next')!.epochMilliseconds];
}

export const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'America/Santiago',
  'Australia/Melbourne',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Pacific/Chatham',
  'UTC',
];
