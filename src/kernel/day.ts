/** A day of a zone's calendar; it may be 23 or 25 hours long. */
export interface ZonedDay {
  /** `2026-11-27`. */
  day: string;
  /** The first instant of the day and of the next one, epoch ms. */
  start: number;
  end: number;
}

/** The day in which an instant (epoch ms) lies. Some zones skip midnight: their day begins at its first instant. */
export function zonedDay(instant: number, timezone: string): ZonedDay {
  const at = Temporal.Instant.fromEpochMilliseconds(Math.floor(instant)).toZonedDateTimeISO(timezone);
  const start = at.startOfDay();
  const end = at.toPlainDate().add({ days: 1 }).toZonedDateTime(timezone);
  return { day: at.toPlainDate().toString(), start: start.epochMilliseconds, end: end.epochMilliseconds };
}
