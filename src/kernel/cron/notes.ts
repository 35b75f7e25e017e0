import { FIELDS } from './field-names.ts';
import { type CronFields, sourceOf } from './fields.ts';
import type { Timetable } from './timetable.ts';
import { zoneNote } from './zone-name.ts';

const NTH: Record<string, string> = { '1-7': '1', '8-14': '2', '15-21': '3', '22-28': '4' };
const UNEVEN = [
  { field: FIELDS.second, unit: 's', around: 'minute' },
  { field: FIELDS.minute, unit: 'm', around: 'hour' },
  { field: FIELDS.hour, unit: 'h', around: 'day' },
] as const;

/** What a reader of the schedule could take for something else, in sentences; most schedules have none. */
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
    const { field, unit, around } = UNEVEN[at]!;
    if (field.count % step !== 0)
      notes.push(
        `"${text}" begins anew with each ${around}, so its last distance is shorter; "@every ${step}${unit}" has equal ones`,
      );
  }
  return notes;
}
