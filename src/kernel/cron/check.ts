import { Fault } from '../fault.ts';
import { FIELDS } from './field-words.ts';
import { type CronFields, sourceOf } from './fields.ts';
import { scheduleFault } from './refusals.ts';
import { nextTimes, type Timetable, type TimetableSpec, timetableOf } from './timetable.ts';
import { zoneNote } from './zone-name.ts';

/**
 * Reads a schedule and expects a due time: after `now` (epoch ms), or at any time for a schedule with an end. Throws
 * a Fault `SCHEDULE_INVALID` that says what to write, or `TIMEZONE_UNKNOWN`. A schedule whose end has passed is good.
 */
export function checkSchedule(spec: TimetableSpec, now: number): Timetable {
  const timetable = timetableOf(spec);
  const { hasEnd, from } = timetable;
  if (timetable.next(hasEnd ? from - 1 : now) !== undefined) return timetable;
  const why =
    hasEnd || spec.except?.length
      ? 'never comes due between its beginning and its end'
      : 'never comes due: none of its months has such a day';
  throw scheduleFault(spec.expression.trim(), { message: why, next: `write ${example(spec.timezone, now)}` });
}

/** The fault of a schedule, as a part of a sentence after its key and value; undefined for a good schedule. */
export function whatIsWrongWith(
  spec: TimetableSpec,
  now: number,
): { key: string; message: string; next: string | undefined } | undefined {
  try {
    checkSchedule(spec, now);
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // A next step that quotes nothing to copy gets an example.
    const withExample = (next = '') => (/["`]/.test(next) ? next : `${next}; ${example(spec.timezone, now)}`);
    const { code, message, next, data } = error.plain;
    if (code === 'TIMEZONE_UNKNOWN') return { key: 'timezone', message, next };
    const key = String(data?.key ?? 'schedule');
    return { key, message: String(data?.reason ?? message), next: key === 'schedule' ? withExample(next) : next };
  }
}

/** A valid expression with its next three times, to copy from. */
function example(timezone: string, now: number): string {
  const expression = '*/10 * * * *';
  const times = nextTimes(timetableOf({ expression, timezone }), now, 3).map((at) => wallClock(at, timezone).slice(11));
  return `for example "${expression}", which would run at ${times.join(', ')} (${timezone})`;
}

/** `2026-11-21 02:00` (with seconds when they are not zero): the zone's wall clock at an instant, for people. */
export function wallClock(instant: number, timezone: string): string {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timezone);
  const precision = zoned.second === 0 && zoned.millisecond === 0 ? 'minute' : 'second';
  return zoned.toPlainDateTime().toString({ smallestUnit: precision }).replace('T', ' ');
}

const NTH: Record<string, string> = { '1-7': '1', '8-14': '2', '15-21': '3', '22-28': '4' };
const UNEVEN_STEPS = [
  { field: FIELDS.second, unit: 's', around: 'minute' },
  { field: FIELDS.minute, unit: 'm', around: 'hour' },
  { field: FIELDS.hour, unit: 'h', around: 'day' },
] as const;

/** Notes on parts of a schedule that a reader could take for something else; most schedules have none. */
export function notesOn({ kind, timezone }: Pick<Timetable, 'kind' | 'timezone'>): string[] {
  const zone = zoneNote(timezone);
  const ofZone = zone ? [zone] : [];
  return kind.is === 'cron' ? [...ofZone, ...notesOnFields(kind.fields)] : ofZone;
}

function notesOnFields(fields: CronFields): string[] {
  const parts = sourceOf(fields.expression).split(/\s+/);
  const [seconds, minutes, hours, day, , weekday] = parts.length === 5 ? ['0', ...parts] : parts;
  const notes: string[] = [];
  if (fields.daysRestricted && fields.weekdaysRestricted) {
    if (fields.needsBoth)
      notes.push(
        `a day must match both "${day}" and "${weekday}", because a field of days begins with *, as in Vixie cron`,
      );
    else {
      const nth = NTH[day!];
      const meant =
        nth && /^[a-z]{3}$|^\d$/i.test(weekday!) ? `; "${weekday}#${nth}" is the one weekday of these days` : '';
      notes.push(
        `a day that matches "${day}" and a day that matches "${weekday}" are both taken: either is enough, as in cron${meant}`,
      );
    }
  }
  for (const [at, text] of [seconds, minutes, hours].entries()) {
    const step = Number(/^\*\/(\d+)$/.exec(text!)?.[1] ?? 1);
    const { field, unit, around } = UNEVEN_STEPS[at]!;
    if (field.count % step !== 0)
      notes.push(
        `"${text}" begins anew with each ${around}, so its last distance is shorter; "@every ${step}${unit}" has equal ones`,
      );
  }
  return notes;
}
