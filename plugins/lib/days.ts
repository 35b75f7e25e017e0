/** A calendar day in a time zone, 23, 24 or 25 hours long, or a week from Monday on. */
export interface Period {
  kind: 'daily' | 'weekly';
  /** `2026-11-21`, `2026-W47` */
  name: string;
  /** `Saturday 21 November 2026`, `Week 47 of 2026` */
  title: string;
  timezone: string;
  /** ISO 8601, UTC; `to` is the first moment of the next day. */
  from: string;
  to: string;
}

/** The machine's own time zone. */
export const machineZone = (): string => Temporal.Now.timeZoneId();

/** The day before the one in which the time (ISO 8601) lies. */
export function dayBefore(at: string, timezone: string): Period {
  const today = Temporal.Instant.from(at).toZonedDateTimeISO(timezone).toPlainDate();
  return dayOf(today.subtract({ days: 1 }).toString(), timezone);
}

/** The day in which the time (ISO 8601) lies, until that time. */
export function dayUntil(at: string, timezone: string): Period {
  const { title, ...day } = dayOf(
    Temporal.Instant.from(at).toZonedDateTimeISO(timezone).toPlainDate().toString(),
    timezone,
  );
  return { ...day, title: `${title}, so far`, to: at };
}

/** The day of a name such as `2026-11-21`. */
export function dayOf(name: string, timezone: string): Period {
  const date = Temporal.PlainDate.from(name);
  return {
    kind: 'daily',
    name: date.toString(),
    title: titleOf(date),
    timezone,
    from: date.toZonedDateTime(timezone).toInstant().toString(),
    to: date.add({ days: 1 }).toZonedDateTime(timezone).toInstant().toString(),
  };
}

/** The week, from Monday, before the one in which the time (ISO 8601) lies. */
export function weekBefore(at: string, timezone: string): Period {
  const today = Temporal.Instant.from(at).toZonedDateTimeISO(timezone).toPlainDate();
  return weekOf(today.subtract({ days: today.dayOfWeek + 6 }), timezone);
}

function weekOf(monday: Temporal.PlainDate, timezone: string): Period {
  const { weekOfYear = 0, yearOfWeek = monday.year } = monday;
  const startOf = (date: Temporal.PlainDate) => date.toZonedDateTime(timezone).toInstant().toString();
  return {
    kind: 'weekly',
    name: `${yearOfWeek}-W${String(weekOfYear).padStart(2, '0')}`,
    title: `Week ${weekOfYear} of ${yearOfWeek}`,
    timezone,
    from: startOf(monday),
    to: startOf(monday.add({ days: 7 })),
  };
}

/** Whether a day (`2026-11-23`) is a Monday. */
export function isMonday(name: string): boolean {
  return Temporal.PlainDate.from(name).dayOfWeek === 1;
}

/** `2026-11-21 09:05` where it is that time at the moment (ISO 8601). */
export function stampOf(at: string, timezone: string): string {
  const there = Temporal.Instant.from(at).toZonedDateTimeISO(timezone);
  return `${there.toPlainDate()} ${clockTime(at, timezone)}`;
}

/** `Sunday 22 November 2026` where it is that day at the time (ISO 8601). */
export function dayTitle(at: string, timezone: string): string {
  return titleOf(Temporal.Instant.from(at).toZonedDateTimeISO(timezone).toPlainDate());
}

/** `09:05` on a wall clock in the time zone. */
export function clockTime(at: string, timezone: string): string {
  return Temporal.Instant.from(at).toZonedDateTimeISO(timezone).toPlainTime().toString({ smallestUnit: 'minute' });
}

function titleOf(date: Temporal.PlainDate): string {
  const weekday = date.toLocaleString('en-GB', { weekday: 'long' });
  return `${weekday} ${date.toLocaleString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })}`;
}
