/** One calendar day in a time zone: 23, 24 or 25 hours long. */
export interface Day {
  /** `2026-11-21` */
  name: string;
  /** `Saturday 21 November 2026` */
  title: string;
  timezone: string;
  /** ISO 8601, UTC; `to` is the first moment of the next day. */
  from: string;
  to: string;
}

/** The machine's own time zone. */
export const machineZone = (): string => Temporal.Now.timeZoneId();

/** The day before the one in which the time (ISO 8601) lies. */
export function dayBefore(at: string, timezone: string): Day {
  const today = Temporal.Instant.from(at).toZonedDateTimeISO(timezone).toPlainDate();
  return dayOf(today.subtract({ days: 1 }).toString(), timezone);
}

/** The day in which the time (ISO 8601) lies, until that time. */
export function dayUntil(at: string, timezone: string): Day {
  const { title, ...day } = dayOf(
    Temporal.Instant.from(at).toZonedDateTimeISO(timezone).toPlainDate().toString(),
    timezone,
  );
  return { ...day, title: `${title}, so far`, to: at };
}

/** The day of a name such as `2026-11-21`. */
export function dayOf(name: string, timezone: string): Day {
  const date = Temporal.PlainDate.from(name);
  return {
    name: date.toString(),
    title: titleOf(date),
    timezone,
    from: date.toZonedDateTime(timezone).toInstant().toString(),
    to: date.add({ days: 1 }).toZonedDateTime(timezone).toInstant().toString(),
  };
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
