import { BOUNDS } from '../bounds.ts';
import { readLength } from '../units.ts';
import { type CronFields, parseCron, reading } from './fields.ts';
import { nextAfter } from './next.ts';
import { Refused } from './refusals.ts';
import { checkTimezone } from './zone-name.ts';

/** A stretch of time, epoch ms; the end is not part of it. */
interface Span {
  start: number;
  end: number;
}

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const MOMENT = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?$/i;
const EARLIEST = 1970;
const LATEST = 2999;
const WRITE = 'write a day as 2026-12-24, or a moment as 2026-12-24T18:00, both in the time zone of the schedule';

/** The keys of a plugin or an agent file that say when an agent is due. */
export interface TimetableSpec {
  /** Five or six cron fields, an alias, `@every 90m`, or `at 2026-12-24T18:00`. */
  expression: string;
  /** IANA name. */
  timezone: string;
  /** A day or a moment of that zone: nothing is due before it. */
  from?: string | undefined;
  /** The same: nothing is due after it. A day counts as a whole. */
  until?: string | undefined;
  /** Days on which nothing is due: `2026-12-25`, `2026-12-24/2027-01-01`. */
  except?: readonly string[] | undefined;
}

/** `cron`: by the fields · `every`: at equal distances · `once`: at one moment. */
type TimetableKind =
  | { is: 'cron'; fields: CronFields }
  | { is: 'every'; ms: number; anchor: number }
  | { is: 'once'; at: number };

/** The times at which an agent is due, all of them. */
export interface Timetable {
  kind: TimetableKind;
  /** Equal for timetables that have the same times. */
  key: string;
  /** The timetable as written, for people: `"0 9 * * *" (Europe/Berlin)`. */
  text: string;
  timezone: string;
  /** Epoch ms, both included; infinite where nothing is said. */
  from: number;
  until: number;
  /** The timetable has a last time, because its author wanted one. */
  hasEnd: boolean;
  /** The first time after `afterMs` (epoch ms), or undefined when none is left. */
  next(afterMs: number): number | undefined;
}

const EVERY = /^@every(?:\s+(.*))?$/i;
const ONCE = /^at\s+(.*)$/i;

/**
 * The timetable that a schedule describes. Throws a Fault `SCHEDULE_INVALID`, whose `data.key` is the wrong key, or
 * `TIMEZONE_UNKNOWN`.
 */
export function timetableOf(spec: TimetableSpec): Timetable {
  const { timezone } = spec;
  checkTimezone(timezone);
  const expression = spec.expression.trim();
  const { from, until, except } = rangeOf(spec);
  const kind = kindOf(expression, timezone, from);
  if (kind.is === 'once') reading(expression, () => refuseRange(spec), 'at');
  const base = nextOf(kind, timezone);
  return {
    kind,
    key: JSON.stringify([expression, timezone, spec.from, spec.until, spec.except]),
    text: [`"${expression}" (${timezone})`, ...rangeWords(spec)].join(' '),
    timezone,
    from,
    until,
    hasEnd: kind.is === 'once' || until !== Infinity,
    next(afterMs) {
      let at = base(Math.max(afterMs, from - 1));
      while (at !== undefined && at <= until) {
        const hole = except.find(({ start, end }) => at! >= start && at! < end);
        if (!hole) return at;
        at = base(hole.end - 1);
      }
      return undefined;
    },
  };
}

/** The next `n` times after `afterMs`; fewer when the timetable ends before. */
export function nextTimes(timetable: Pick<Timetable, 'next'>, afterMs: number, n: number): number[] {
  const times: number[] = [];
  for (let at = timetable.next(afterMs); at !== undefined && times.length < n; at = timetable.next(at)) times.push(at);
  return times;
}

function kindOf(expression: string, timezone: string, from: number): TimetableKind {
  const every = EVERY.exec(expression);
  if (every) {
    const ms = reading(expression, () => readEvery(every[1] ?? ''));
    // Distances without a beginning are counted from 1970, so that every host and every restart counts alike.
    return { is: 'every', ms, anchor: from === -Infinity ? 0 : from };
  }
  const once = ONCE.exec(expression);
  if (once) return { is: 'once', at: reading(once[1]!, () => readMoment(once[1]!, timezone), 'at') };
  return { is: 'cron', fields: parseCron(expression) };
}

function nextOf(kind: TimetableKind, timezone: string): (afterMs: number) => number | undefined {
  switch (kind.is) {
    case 'cron':
      return (afterMs) => nextAfter(kind.fields, timezone, afterMs);
    case 'every': {
      const { ms, anchor } = kind;
      return (afterMs) => anchor + Math.max(0, Math.floor((afterMs - anchor) / ms) + 1) * ms;
    }
    case 'once':
      return (afterMs) => (kind.at > afterMs ? kind.at : undefined);
  }
}

/** `90m`, `1h30m`. */
function readEvery(text: string): number {
  const parts = text.trim().match(/\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)/g) ?? [];
  const isWhole = parts.length > 0 && parts.join('') === text.trim().replace(/\s+(?=\d)/g, '');
  if (!isWhole)
    throw new Refused('does not say a length of time', 'write @every 90m, @every 10s, @every 1h30m or @every 2d');
  const lengths = parts.map((part) => readLength(part, { least: 0, most: BOUNDS.period.most }));
  const wrong = lengths.find((one) => typeof one === 'string');
  const ms = lengths.reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0);
  const { least, most } = BOUNDS.period;
  if (wrong !== undefined || ms > most)
    throw new Refused('is a distance of more than a year', 'write fields for a day of the year: "0 9 1 1 *"');
  if (ms < least || ms % 1_000 !== 0)
    throw new Refused(
      'is no distance of whole seconds',
      'write @every 1s or more: no schedule knows parts of a second',
    );
  return ms;
}

function readMoment(text: string, timezone: string): number {
  const moment = dayOrMoment(text);
  if (!('hour' in moment)) throw new Refused('is a day without a time', `write ${text.trim()}T09:00`);
  return firstInstant(moment, timezone);
}

function rangeOf({ from, until, except, timezone }: TimetableSpec): { from: number; until: number; except: Span[] } {
  const start = from === undefined ? -Infinity : reading(from, () => startOf(from, timezone), 'from');
  const end = until === undefined ? Infinity : reading(until, () => endOf(until, timezone), 'until');
  const holes = (except ?? []).map((text) => reading(text, () => readExcept(text, timezone), 'except'));
  if (start > end)
    reading(
      until!,
      () => {
        throw new Refused(`is before its beginning, from ${from}`, 'put them in order');
      },
      'until',
    );
  return { from: start, until: end, except: holes };
}

function startOf(text: string, timezone: string): number {
  const said = dayOrMoment(text);
  return firstInstant('hour' in said ? said : said.toPlainDateTime(), timezone);
}

/** A day counts to its last second. */
function endOf(text: string, timezone: string): number {
  const said = dayOrMoment(text);
  return 'hour' in said
    ? firstInstant(said, timezone)
    : firstInstant(said.add({ days: 1 }).toPlainDateTime(), timezone) - 1;
}

function refuseRange({ from, until, except }: TimetableSpec): void {
  const key = from !== undefined ? 'from' : until !== undefined ? 'until' : except?.length ? 'except' : undefined;
  if (key) throw new Refused(`is one moment, and \`${key}\` says something about many`, `leave \`${key}\` out`);
}

/** `from 2026-12-01`, `until 2027-03-31`, `except on 2026-12-25`: what is written of them. */
export function rangeWords({ from, until, except }: Pick<TimetableSpec, 'from' | 'until' | 'except'>): string[] {
  return [
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(until === undefined ? [] : [`until ${until}`]),
    ...(except?.length ? [`except on ${except.join(', ')}`] : []),
  ];
}

/** A day, or a moment of a day, as people write it. Throws {@link Refused}. */
function dayOrMoment(text: string): Temporal.PlainDate | Temporal.PlainDateTime {
  const said = text.trim();
  if (/\d(?:Z|[+-]\d{2}:?\d{2})$/i.test(said) && said.length > 16)
    throw new Refused('has an offset of its own', `${WRITE}: leave Z and the offset out`);
  const match = DAY.exec(said) ?? MOMENT.exec(said);
  if (!match) throw new Refused('is no day and no moment', WRITE);
  const year = Number(match[1]);
  if (year < EARLIEST || year > LATEST) throw new Refused(`is in no year from ${EARLIEST} to ${LATEST}`, WRITE);
  try {
    const upper = said.replace(' ', 'T').toUpperCase();
    return match.length === 4 ? Temporal.PlainDate.from(upper) : Temporal.PlainDateTime.from(upper);
  } catch {
    throw new Refused('is on no calendar', WRITE);
  }
}

/** The first instant (epoch ms) at which the zone's wall clock shows that time or a later one: the rule of all schedules. */
function firstInstant(wall: Temporal.PlainDateTime, timezone: string): number {
  const earlier = wall.toZonedDateTime(timezone, { disambiguation: 'earlier' });
  if (earlier.toPlainDateTime().equals(wall)) return earlier.epochMilliseconds;
  // Skipped: what is earlier lies before the change, which is therefore the next one.
  return earlier.getTimeZoneTransition('next')?.epochMilliseconds ?? earlier.epochMilliseconds;
}

/** A day, or the days from the first to the last of `2026-12-24/2027-01-01`. Throws {@link Refused}. */
function readExcept(text: string, timezone: string): Span {
  const [first, last = first, ...more] = text.split('/');
  const [from, to] = [dayOrMoment(first!), dayOrMoment(last!)];
  if (more.length > 0 || 'hour' in from || 'hour' in to)
    throw new Refused('names no whole days', 'write a day as 2026-12-25, or days as 2026-12-24/2027-01-01');
  if (Temporal.PlainDate.compare(from, to) > 0) throw new Refused('ends before it begins', `write ${last}/${first}`);
  return {
    start: firstInstant(from.toPlainDateTime(), timezone),
    end: firstInstant(to.add({ days: 1 }).toPlainDateTime(), timezone),
  };
}
