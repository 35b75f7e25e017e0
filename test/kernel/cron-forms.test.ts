import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCron } from '../../src/kernel/cron/fields.ts';
import { nextTimes, type TimetableSpec, timetableOf } from '../../src/kernel/cron/timetable.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { instantsOf, ZONES } from './cron-oracle.ts';
import { REFUSED_ROWS } from './cron-rows.ts';

const DAY = 86_400_000;

function faultOf(spec: TimetableSpec) {
  try {
    timetableOf(spec);
  } catch (error) {
    if (error instanceof Fault) return error.plain;
    throw error;
  }
  throw new Error(`"${spec.expression}" was taken`);
}

/** The next times on the wall clock of the zone: `2026-11-30 20:00`. */
function shown(expression: string, n: number, more: Partial<TimetableSpec> = {}, from = '2026-11-15T00:00Z'): string[] {
  const spec = { expression, timezone: 'UTC', ...more };
  return nextTimes(timetableOf(spec), Date.parse(from), n).map((at) =>
    Temporal.Instant.fromEpochMilliseconds(at)
      .toZonedDateTimeISO(spec.timezone)
      .toPlainDateTime()
      .toString({ smallestUnit: 'minute' })
      .replace('T', ' '),
  );
}

describe('what is refused', () => {
  it.each(REFUSED_ROWS)('"%s": %s', (expression, message, next) => {
    const fault = faultOf({ expression, timezone: 'UTC' });
    expect(fault.code).toBe('SCHEDULE_INVALID');
    expect(fault.message).toContain(message);
    expect(fault.next).toBeTruthy();
    if (next) expect(fault.next).toContain(next);
    expect(fault.message).not.toMatch(/Error|undefined|parsed/);
  });

  it('whatever is written: a timetable or a fault in words, and nothing else', () => {
    const word = fc.constantFrom(
      '*',
      '?',
      'L',
      'LW',
      'W',
      '15W',
      'mon',
      'jan',
      'MON#1',
      '5L',
      '1-5',
      '22-2',
      '*/7',
      '9',
      '#',
      '-',
      '/',
      ',',
      '@every',
      'at',
      'TZ=',
      '٣',
      '1e3',
      '0x1',
    );
    const text = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc
        .array(
          fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
          { maxLength: 7 },
        )
        .map((fields) => fields.join(' ')),
    );
    fc.assert(
      fc.property(text, (expression) => {
        try {
          const at = timetableOf({ expression, timezone: 'Europe/Berlin' }).next(0);
          expect(at === undefined || Number.isSafeInteger(at)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect((error as Fault).plain).toMatchObject({ code: 'SCHEDULE_INVALID', next: expect.any(String) });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what people ask for', () => {
  it.each<[string, string[]]>([
    ['0 20 L * *', ['2026-11-30 20:00', '2026-12-31 20:00', '2027-01-31 20:00', '2027-02-28 20:00']],
    ['0 20 L-2 * *', ['2026-11-28 20:00', '2026-12-29 20:00', '2027-01-29 20:00', '2027-02-26 20:00']],
    // 31 January 2027 is a Sunday, 28 February too.
    ['0 20 LW * *', ['2026-11-30 20:00', '2026-12-31 20:00', '2027-01-29 20:00', '2027-02-26 20:00']],
    // 15 November 2026 is a Sunday, 15 August 2026 was a Saturday.
    ['0 9 15W * *', ['2026-11-16 09:00', '2026-12-15 09:00', '2027-01-15 09:00', '2027-02-15 09:00']],
    // The 1st of May 2027 is a Saturday: the nearest weekday within May is the 3rd.
    ['0 9 1W 5 *', ['2027-05-03 09:00', '2028-05-01 09:00']],
    ['0 9 * * MON#1', ['2026-12-07 09:00', '2027-01-04 09:00', '2027-02-01 09:00']],
    ['0 9 * * 1#5', ['2026-11-30 09:00', '2027-03-29 09:00']],
    ['0 9 * * FRI#L', ['2026-11-27 09:00', '2026-12-25 09:00', '2027-01-29 09:00']],
    ['0 9 * * 5L', ['2026-11-27 09:00', '2026-12-25 09:00', '2027-01-29 09:00']],
    ['0 9 * * friL', ['2026-11-27 09:00']],
    ['0 9 ? * MON', ['2026-11-16 09:00', '2026-11-23 09:00']],
    ['0 9 1 * ?', ['2026-12-01 09:00', '2027-01-01 09:00']],
    ['0 9 1,15,L * *', ['2026-11-15 09:00', '2026-11-30 09:00', '2026-12-01 09:00', '2026-12-15 09:00']],
    ['0 9 * * MON#1,MON#3', ['2026-11-16 09:00', '2026-12-07 09:00', '2026-12-21 09:00']],
    ['0 22-2 * * *', ['2026-11-15 01:00', '2026-11-15 02:00', '2026-11-15 22:00', '2026-11-15 23:00']],
    ['0 22-2/2 * * *', ['2026-11-15 02:00', '2026-11-15 22:00', '2026-11-16 00:00']],
    ['0 0 * * FRI-MON', ['2026-11-16 00:00', '2026-11-20 00:00', '2026-11-21 00:00', '2026-11-22 00:00']],
    ['0 0 1 NOV-FEB *', ['2026-12-01 00:00', '2027-01-01 00:00', '2027-02-01 00:00', '2027-11-01 00:00']],
    ['0 0 * * sat-sun', ['2026-11-21 00:00', '2026-11-22 00:00']],
    ['0 0 1 January *', ['2027-01-01 00:00']],
    ['0 0 * * Monday-Wednesday', ['2026-11-16 00:00', '2026-11-17 00:00', '2026-11-18 00:00', '2026-11-23 00:00']],
    ['@every 90m', ['2026-11-15 01:30', '2026-11-15 03:00']],
    ['@every 1h30m', ['2026-11-15 01:30', '2026-11-15 03:00']],
    ['at 2026-12-24T18:00', ['2026-12-24 18:00']],
    ['at 2026-12-24 18:00', ['2026-12-24 18:00']],
  ])('%s', (expression, expected) => {
    expect(shown(expression, expected.length)).toEqual(expected);
  });

  it('a fifth Monday of February comes, after 28 years', () => {
    expect(shown('0 9 * 2 MON#5', 2, {}, '2024-03-01T00:00Z')).toEqual(['2044-02-29 09:00', '2072-02-29 09:00']);
    expect(shown('0 9 * 2 MON#5', 1, {}, '2072-03-01T00:00Z')).toEqual(['2112-02-29 09:00']);
  });

  it('a day field that begins with * wants both days, as in Vixie cron; else either is enough', () => {
    expect(shown('0 16 */2 * SAT', 3)).toEqual(['2026-11-21 16:00', '2026-12-05 16:00', '2026-12-19 16:00']);
    expect(shown('0 16 1-31/2 * SAT', 3)).toEqual(['2026-11-15 16:00', '2026-11-17 16:00', '2026-11-19 16:00']);
    expect(shown('0 9 1-7 * MON', 4)).toEqual([
      '2026-11-16 09:00',
      '2026-11-23 09:00',
      '2026-11-30 09:00',
      '2026-12-01 09:00',
    ]);
    expect(shown('0 9 13 * */3', 3)).toEqual(['2026-12-13 09:00', '2027-01-13 09:00', '2027-02-13 09:00']);
  });

  it('a one-shot in a skipped hour is due when the clocks have been put forward, and once in a doubled one', () => {
    const at = (expression: string) => timetableOf({ expression, timezone: 'Europe/Berlin' }).next(0);
    expect(at('at 2027-03-28T02:30')).toBe(Date.parse('2027-03-28T03:00+02:00'));
    expect(at('at 2027-10-31T02:30')).toBe(Date.parse('2027-10-31T02:30+02:00'));
  });

  it('@every counts from 1970, or from its beginning, and knows no summer time', () => {
    const from = Date.parse('2027-03-28T00:00+01:00');
    const spec = { expression: '@every 7h', timezone: 'Europe/Berlin' };
    expect(nextTimes(timetableOf(spec), from, 3).map((at) => at % (7 * 3_600_000))).toEqual([0, 0, 0]);
    const begun = timetableOf({ ...spec, from: '2027-03-28T00:10' });
    expect(nextTimes(begun, 0, 3)).toEqual([0, 7, 14].map((hours) => from + 600_000 + hours * 3_600_000));
  });
});

describe('from, until and except', () => {
  const daily = '0 9 * * *';

  it('bound a schedule in days of its own zone, both included', () => {
    const more = { from: '2026-12-23', until: '2026-12-28', except: ['2026-12-24/2026-12-26'] };
    expect(shown(daily, 9, more)).toEqual(['2026-12-23 09:00', '2026-12-27 09:00', '2026-12-28 09:00']);
    expect(timetableOf({ expression: daily, timezone: 'UTC', ...more }).hasEnd).toBe(true);
  });

  it('take moments as well', () => {
    expect(shown('0 * * * *', 9, { from: '2026-12-23T09:00', until: '2026-12-23T10:30' })).toEqual([
      '2026-12-23 09:00',
      '2026-12-23 10:00',
    ]);
  });

  it.each([
    [{ from: '2027-02-01', until: '2027-01-01' }, 'until', 'is before its beginning'],
    [{ from: 'soon' }, 'from', 'is no day and no moment'],
    [{ until: '2027-02-30' }, 'until', 'is on no calendar'],
    [{ except: ['2026-12-25T10:00'] }, 'except', 'names no whole days'],
    [{ except: ['2026-12-27/2026-12-25'] }, 'except', 'ends before it begins'],
  ])('%j is refused', (more, key, message) => {
    const fault = faultOf({ expression: daily, timezone: 'UTC', ...more });
    expect(fault.data?.key).toBe(key);
    expect(fault.message).toContain(message);
  });

  it('say nothing about a one-shot', () => {
    const fault = faultOf({ expression: 'at 2026-12-24T18:00', timezone: 'UTC', until: '2027-01-01' });
    expect(fault).toMatchObject({ data: { key: 'at' }, next: 'leave `until` out' });
  });
});

/** A day as it is written, and whether a date is such a day: found by walking through its month with Temporal alone. */
interface DayForm {
  text: string;
  is(date: Temporal.PlainDate): boolean;
}

const QUARTER = Array.from({ length: 92 }, (_, i) => new Temporal.PlainDate(2024, 1, 1).add({ days: i }));
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const months = new Map<string, Temporal.PlainDate[]>();
function monthOf(date: Temporal.PlainDate): Temporal.PlainDate[] {
  const key = date.toPlainYearMonth().toString();
  const known = months.get(key) ?? Array.from({ length: date.daysInMonth }, (_, i) => date.with({ day: i + 1 }));
  months.set(key, known);
  return known;
}
const nearestWorkday = (days: Temporal.PlainDate[], day: number) =>
  days.filter(({ dayOfWeek }) => dayOfWeek < 6).sort((a, b) => Math.abs(a.day - day) - Math.abs(b.day - day))[0]!;

const dayForms: fc.Arbitrary<DayForm> = fc.oneof(
  fc.constant({ text: 'L', is: (date: Temporal.PlainDate) => date.day === monthOf(date).length }),
  fc.integer({ min: 1, max: 30 }).map((back) => ({
    text: `L-${back}`,
    is: (date: Temporal.PlainDate) => monthOf(date).at(-1 - back)?.day === date.day,
  })),
  fc.constant({
    text: 'LW',
    is: (date: Temporal.PlainDate) => monthOf(date).findLast(({ dayOfWeek }) => dayOfWeek < 6)!.day === date.day,
  }),
  fc.integer({ min: 1, max: 31 }).map((day) => ({
    text: `${day}W`,
    is: (date: Temporal.PlainDate) => day <= date.daysInMonth && nearestWorkday(monthOf(date), day).day === date.day,
  })),
  fc
    .integer({ min: 1, max: 31 })
    .map((day) => ({ text: String(day), is: (date: Temporal.PlainDate) => date.day === day })),
);
const weekdayForms: fc.Arbitrary<DayForm> = fc.oneof(
  fc.record({ weekday: fc.nat(6), nth: fc.integer({ min: 1, max: 5 }) }).map(({ weekday, nth }) => ({
    text: `${WEEKDAYS[weekday]}#${nth}`,
    is: (date: Temporal.PlainDate) =>
      monthOf(date).filter(({ dayOfWeek }) => dayOfWeek % 7 === weekday)[nth - 1]?.day === date.day,
  })),
  fc.nat(6).map((weekday) => ({
    text: `${weekday}L`,
    is: (date: Temporal.PlainDate) =>
      monthOf(date).findLast(({ dayOfWeek }) => dayOfWeek % 7 === weekday)!.day === date.day,
  })),
  fc.record({ from: fc.nat(6), length: fc.integer({ min: 1, max: 6 }) }).map(({ from, length }) => ({
    text: `${WEEKDAYS[from]}-${WEEKDAYS[(from + length) % 7]}`,
    is: (date: Temporal.PlainDate) => (date.dayOfWeek - from + 7) % 7 <= length,
  })),
);
const unrestricted = fc.constantFrom('*', '?').map((text): DayForm => ({ text, is: () => true }));

describe('against Temporal, by walking through the days', () => {
  it('all forms of days, with ranges over the end of hours and months, in twelve zones', () => {
    const schedule = fc.record({
      zone: fc.constantFrom(...ZONES),
      days: fc.oneof(
        unrestricted,
        fc.uniqueArray(dayForms, { minLength: 1, maxLength: 2, selector: ({ text }) => text }).map(anyOf),
      ),
      weekdays: fc.oneof(
        unrestricted,
        fc.uniqueArray(weekdayForms, { minLength: 1, maxLength: 2, selector: ({ text }) => text }).map(anyOf),
      ),
      hour: fc.record({ from: fc.nat(23), length: fc.nat(3) }),
      month: fc.oneof(
        fc.constant(undefined),
        fc.record({ from: fc.integer({ min: 1, max: 12 }), length: fc.integer({ min: 1, max: 10 }) }),
      ),
      minute: fc.nat(59),
      year: fc.integer({ min: 2020, max: 2036 }),
    });
    fc.assert(
      fc.property(schedule, ({ zone, days, weekdays, hour, month, minute, year }) => {
        const lastMonth = month && ((month.from - 1 + month.length) % 12) + 1;
        const months = month ? `${month.from}-${lastMonth}` : '*';
        const hours = `${hour.from}-${(hour.from + hour.length) % 24}`;
        const expression = `${minute} ${hours} ${days.text} ${months} ${weekdays.text}`;
        const after = Date.UTC(year, 0, 1);
        const upTo = Date.UTC(year + 1, 0, 20);
        // What names every day counts as *, however it is written.
        const isFree = ({ is }: DayForm) => QUARTER.every(is);
        const expected = new Set<number>();
        for (
          let date = new Temporal.PlainDate(year - 1, 12, 29);
          date.year <= year + 1 && date.dayOfYear !== 25 + (date.year === year + 1 ? 0 : 999);
          date = date.add({ days: 1 })
        ) {
          if (month && (date.month - month.from + 12) % 12 > month.length) continue;
          const [onDay, onWeekday] = [days.is(date), weekdays.is(date)];
          const hasStar = days.text.startsWith('*') || weekdays.text.startsWith('*');
          const either = !isFree(days) && !isFree(weekdays) && !hasStar;
          if (either ? !onDay && !onWeekday : !onDay || !onWeekday) continue;
          for (let i = 0; i <= hour.length; i++)
            for (const at of instantsOf(date.toPlainDateTime({ hour: (hour.from + i) % 24, minute }), zone, false))
              if (at > after && at <= upTo) expected.add(at);
        }
        const sorted = [...expected].sort((a, b) => a - b);
        const found = nextTimes(timetableOf({ expression, timezone: zone }), after, sorted.length + 1).filter(
          (at) => at <= upTo,
        );
        expect({ expression, found }).toEqual({ expression, found: sorted });
      }),
      { numRuns: 120 },
    );
  });

  it('from, until and except leave exactly the times between them', () => {
    const spec = fc.record({
      expression: fc.constantFrom(
        '0 9 * * *',
        '*/30 * * * *',
        '@every 95m',
        '30 2 * * *',
        '0 0 L * *',
        '0 23-1 * * MON#1,5L',
      ),
      timezone: fc.constantFrom(...ZONES),
      from: fc.option(fc.nat(60), { nil: undefined }),
      length: fc.option(fc.nat(60), { nil: undefined }),
      except: fc.array(fc.record({ first: fc.nat(90), days: fc.nat(4) }), { maxLength: 3 }),
    });
    const start = new Temporal.PlainDate(2027, 3, 1);
    fc.assert(
      fc.property(spec, ({ expression, timezone, from, length, except }) => {
        const first = from === undefined ? undefined : start.add({ days: from });
        const last = length === undefined ? undefined : (first ?? start).add({ days: length });
        const holes = except.map(
          ({ first, days }) => [start.add({ days: first }), start.add({ days: first + days })] as const,
        );
        // The distances of @every begin with it: its base is the same schedule with the same beginning.
        const base = timetableOf({
          expression,
          timezone,
          ...(expression.startsWith('@every') && first ? { from: String(first) } : {}),
        });
        const after = start.toZonedDateTime(timezone).epochMilliseconds - 1;
        const upTo = after + 100 * DAY;
        const all: number[] = [];
        for (let at = base.next(after); at !== undefined && at <= upTo; at = base.next(at)) all.push(at);
        const dateOf = (at: number) =>
          Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone).toPlainDate();
        const { compare } = Temporal.PlainDate;
        const expected = all.filter((at) => {
          const date = dateOf(at);
          if (first && compare(date, first) < 0) return false;
          if (last && compare(date, last) > 0) return false;
          return !holes.some(([a, b]) => compare(date, a) >= 0 && compare(date, b) <= 0);
        });
        const timetable = timetableOf({
          expression,
          timezone,
          ...(first ? { from: String(first) } : {}),
          ...(last ? { until: String(last) } : {}),
          except: holes.map(([a, b]) => `${a}/${b}`),
        });
        const found = nextTimes(timetable, after, expected.length + 1).filter((at) => at <= upTo);
        expect(found).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('@every: the same distances from any moment, whenever it is asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400_000 }), fc.integer({ min: 0, max: 4e12 }), (seconds, after) => {
        const at = timetableOf({ expression: `@every ${seconds}s`, timezone: 'Europe/Berlin' }).next(after)!;
        expect(at).toBeGreaterThan(after);
        expect(at - after).toBeLessThanOrEqual(seconds * 1_000);
        expect(at % (seconds * 1_000)).toBe(0);
      }),
    );
  });

  it('reads the fields as the cron package does, where both take them', () => {
    expect(parseCron('5/10 1/7 * * 0/7')).toMatchObject({
      minutes: [5, 15, 25, 35, 45, 55],
      hours: [1, 8, 15, 22],
      weekdays: [0],
    });
    expect(parseCron('*/60 */24 */31 */12 */7')).toMatchObject({
      minutes: [0],
      hours: [0],
      days: [1],
      months: [1],
      weekdays: [0],
    });
    expect(parseCron('05 9,9 * * 0-7').weekdays).toHaveLength(7);
  });
});

function anyOf(forms: DayForm[]): DayForm {
  return { text: forms.map(({ text }) => text).join(','), is: (date) => forms.some((form) => form.is(date)) };
}

it('what is advised in quotes can be written: it is a schedule, or a value of that field', () => {
  for (const [expression] of REFUSED_ROWS) {
    const { next } = faultOf({ expression, timezone: 'UTC' });
    for (const [, advised] of next!.matchAll(/(?:did you mean|write) "([^"]+ [^"]+)"/g))
      expect(() => timetableOf({ expression: advised!, timezone: 'UTC' }), `${expression} → ${advised}`).not.toThrow();
  }
});
