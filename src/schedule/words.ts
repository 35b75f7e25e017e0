import cronstrue from 'cronstrue';
import type { ScheduleSpec } from '../jobs/agent.ts';
import { notesOn, wallClock } from '../kernel/cron/check.ts';
import { sourceOf } from '../kernel/cron/fields.ts';
import { rangeWords, timetableOf } from '../kernel/cron/timetable.ts';
import { formatDuration } from '../kernel/units.ts';

/** A schedule in words: what it will do, and what a reader could take for something else. */
interface ScheduleWords {
  /** `At 09:00, on the first Monday of the month`. */
  words: string;
  notes: string[];
}

/** Words for what a schedule does. Throws a Fault when it cannot be kept. */
export function wordsOf(
  spec: Pick<ScheduleSpec, 'expression' | 'timezone' | 'from' | 'until' | 'except'>,
): ScheduleWords {
  const timetable = timetableOf(spec);
  const { kind, timezone } = timetable;
  return { words: [mainWords(), ...rangeWords(spec)].join(', '), notes: notesOn(timetable) };

  function mainWords(): string {
    switch (kind.is) {
      case 'cron':
        return cronWords(sourceOf(kind.fields.expression));
      case 'every': {
        const since = spec.from === undefined ? '1970-01-01 00:00 UTC' : 'its beginning';
        return `Every ${formatDuration(kind.ms)}, counted from ${since}`;
      }
      case 'once':
        return `Once, at ${wallClock(kind.at, timezone)}`;
    }
  }
}

/** Names in full, and the last weekday of a month, as cronstrue knows them. */
function cronWords(source: string): string {
  const parts = source
    .split(/\s+/)
    .map((part) =>
      part
        .replace(/[a-z]{4,}/gi, (name) => name.slice(0, 3))
        .replace(/([a-z]{3}|\d)#?L/gi, (_, day: string) => `${numberOf(day)}L`),
    );
  const [day, weekday] = [parts.length - 3, parts.length - 1];
  const isAny = (at: number) => parts[at] === '*' || parts[at] === '?';
  if (isAny(day) || isAny(weekday)) return inParts(parts, day);
  // Of two fields of days, cronstrue does not say whether both are wanted.
  const both = parts[day]!.startsWith('*') || parts[weekday]!.startsWith('*');
  const join = both ? '; of these days only: ' : '; and besides: ';
  return `${inParts(parts.with(weekday, '*'), day)}${join}${inParts(parts.with(day, '*'), day)}`;
}

/** A list of days that cronstrue cannot say at once is said one by one. */
function inParts(parts: readonly string[], day: number): string {
  const list = parts[day]!.split(',');
  return (
    said(parts) ??
    list.map((one) => said(parts.with(day, one)) ?? `at the times of "${parts.join(' ')}"`).join('; and: ')
  );
}

function said(parts: readonly string[]): string | undefined {
  try {
    return cronstrue.toString(parts.join(' '), { use24HourTimeFormat: true });
  } catch {
    return undefined;
  }
}

function numberOf(day: string): string {
  const at = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].indexOf(day.toLowerCase());
  return at < 0 ? day : String(at);
}
