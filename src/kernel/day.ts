import type { Time } from './time.ts';

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

/** Says which day is now in a zone that may change; computes again only when the day or the zone is another. */
export function createToday(time: Pick<Time, 'now'>, timezone: () => string): () => ZonedDay {
  let known: ZonedDay & { zone: string } = { zone: '', day: '', start: 0, end: 0 };
  return () => {
    const [at, zone] = [time.now(), timezone()];
    if (zone !== known.zone || at < known.start || at >= known.end) known = { zone, ...zonedDay(at, zone) };
    return known;
  };
}

/** The day so many days after another, both as `2026-11-27`. */
export function dayAfter(day: string, days: number): string {
  return Temporal.PlainDate.from(day).add({ days }).toString();
}
