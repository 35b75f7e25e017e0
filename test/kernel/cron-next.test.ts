import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCron } from '../../src/kernel/cron/fields.ts';
import { LONGEST_SEARCH_MS, nextAfter } from '../../src/kernel/cron/next.ts';
import { nextTimes, timetableOf } from '../../src/kernel/cron/timetable.ts';
import { anySets, expressionOf, listed, sparseSets, ZONES } from './cron-oracle.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** `nextTimes` as the zone's wall clock shows them: `03-28 03:00+02:00`. */
function shown(expression: string, timezone: string, fromIso: string, n: number): string[] {
  return nextTimes(timetableOf({ expression, timezone }), Date.parse(fromIso), n).map((at) => {
    const zoned = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
    return `${zoned.toPlainDateTime().toString({ smallestUnit: 'minute' }).slice(5).replace('T', ' ')}${zoned.offset}`;
  });
}

/** The year's first change forward (a gap) and back (an overlap) of a zone, as instants. */
function changes(timezone: string, year: number): { forward: number; back: number } {
  let at = new Temporal.ZonedDateTime(BigInt(Date.UTC(year, 0, 1)) * 1_000_000n, timezone);
  const found: { forward?: number; back?: number } = {};
  while (found.forward === undefined || found.back === undefined) {
    const before = at.offsetNanoseconds;
    at = at.getTimeZoneTransition('next')!;
    const kind = at.subtract({ nanoseconds: 1 }).offsetNanoseconds < at.offsetNanoseconds ? 'forward' : 'back';
    expect(before).not.toBeNaN();
    found[kind] ??= at.epochMilliseconds;
  }
  return found as { forward: number; back: number };
}

describe('when the clocks change', () => {
  it.each([
    ['Europe/Berlin', '30 2 * * *', '2027-03-27T12:00Z', ['03-28 03:00+02:00', '03-29 02:30+02:00']],
    ['America/New_York', '30 2 * * *', '2027-03-13T12:00Z', ['03-14 03:00-04:00', '03-15 02:30-04:00']],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T06:00Z', ['10-04 02:30+11:00', '10-05 02:15+11:00']],
    ['Antarctica/Troll', '30 2 * * *', '2027-03-27T12:00Z', ['03-28 03:00+02:00', '03-29 02:30+02:00']],
    ['America/Santiago', '30 0 * * *', '2026-09-05T12:00Z', ['09-06 01:00-03:00', '09-07 00:30-03:00']],
    ['Australia/Melbourne', '30 2 * * *', '2026-10-03T12:00Z', ['10-04 03:00+11:00', '10-05 02:30+11:00']],
    ['Africa/Casablanca', '30 2 * * *', '2026-03-21T12:00Z', ['03-22 03:00+01:00', '03-23 02:30+01:00']],
  ])('%s keeps a daily time that is skipped once, at the first moment after it', (zone, expression, from, expected) => {
    expect(shown(expression, zone, from, 2)).toEqual(expected);
  });

  it.each([
    ['Europe/Berlin', '30 2 * * *', '2027-10-30T12:00Z', ['10-31 02:30+02:00', '11-01 02:30+01:00']],
    ['America/New_York', '30 1 * * *', '2027-11-06T12:00Z', ['11-07 01:30-04:00', '11-08 01:30-05:00']],
    ['Australia/Lord_Howe', '45 1 * * *', '2027-04-03T06:00Z', ['04-04 01:45+11:00', '04-05 01:45+10:30']],
    ['Antarctica/Troll', '30 1 * * *', '2027-10-30T12:00Z', ['10-31 01:30+02:00', '11-01 01:30+00:00']],
    ['America/Santiago', '30 23 * * *', '2026-04-04T12:00Z', ['04-04 23:30-03:00', '04-05 23:30-04:00']],
    ['Australia/Melbourne', '30 2 * * *', '2027-04-03T12:00Z', ['04-04 02:30+11:00', '04-05 02:30+10:00']],
    ['Africa/Casablanca', '30 2 * * *', '2026-02-14T12:00Z', ['02-15 02:30+01:00', '02-16 02:30+00:00']],
  ])('%s keeps a daily time that comes twice only the first time', (zone, expression, from, expected) => {
    expect(shown(expression, zone, from, 2)).toEqual(expected);
  });

  it('an hourly schedule gets neither an extra slot nor a pause', () => {
    expect(shown('15 * * * *', 'Europe/Berlin', '2027-03-28T00:00Z', 3)).toEqual([
      '03-28 01:15+01:00',
      '03-28 03:15+02:00',
      '03-28 04:15+02:00',
    ]);
    expect(shown('15 * * * *', 'Europe/Berlin', '2027-10-31T00:00Z', 3)).toEqual([
      '10-31 02:15+02:00',
      '10-31 02:15+01:00',
      '10-31 03:15+01:00',
    ]);
  });

  it.each(ZONES.filter((zone) => !['UTC', 'Asia/Kathmandu'].includes(zone)))(
    'every minute means every minute, through both changes in %s',
    (zone) => {
      for (const at of Object.values(changes(zone, 2025))) {
        const times = nextTimes(timetableOf({ expression: '* * * * *', timezone: zone }), at - 3 * HOUR, 360);
        expect(times).toEqual(Array.from({ length: 360 }, (_, i) => at - 3 * HOUR + (i + 1) * 60_000));
      }
    },
  );

  it('several skipped times are one slot, and no day loses its last or first', () => {
    expect(shown('*/20 1-3 * * *', 'Europe/Berlin', '2027-03-27T23:00Z', 7)).toEqual([
      '03-28 01:00+01:00',
      '03-28 01:20+01:00',
      '03-28 01:40+01:00',
      '03-28 03:00+02:00',
      '03-28 03:20+02:00',
      '03-28 03:40+02:00',
      '03-29 01:00+02:00',
    ]);
  });

  it('asked from the other season, it never looks back', () => {
    const fields = parseCron('30 1 * * *');
    for (const zone of ZONES)
      for (let at = Date.UTC(2027, 0, 1); at < Date.UTC(2028, 0, 1); at += 5 * HOUR)
        expect(nextAfter(fields, zone, at)).toBeGreaterThan(at);
  });
});

describe('the calendar', () => {
  it('knows leap days, over the century that has none too', () => {
    expect(shown('0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', 2)).toEqual(['02-29 00:00+00:00', '02-29 00:00+00:00']);
    expect(nextAfter(parseCron('0 0 29 2 *'), 'UTC', Date.UTC(2096, 1, 29))).toBe(Date.UTC(2104, 1, 29));
  });

  it('gives up on a day that never comes, at once', () => {
    for (const expression of ['0 0 31 2 *', '0 0 30 2 *', '0 0 31 4,6,9,11 *'])
      expect(nextAfter(parseCron(expression), 'Europe/Berlin', Date.UTC(2026, 0, 1))).toBeUndefined();
    expect(LONGEST_SEARCH_MS).toBeGreaterThan(8 * 365.25 * DAY);
  });

  it('takes the day of the month or the weekday when both are restricted', () => {
    expect(shown('0 12 13 * 5', 'UTC', '2026-11-01T00:00Z', 5)).toEqual([
      '11-06 12:00+00:00',
      '11-13 12:00+00:00',
      '11-20 12:00+00:00',
      '11-27 12:00+00:00',
      '12-04 12:00+00:00',
    ]);
    expect(shown('0 12 * * 5', 'UTC', '2026-11-01T00:00Z', 1)).toEqual(['11-06 12:00+00:00']);
    expect(shown('0 12 13 * *', 'UTC', '2026-11-01T00:00Z', 1)).toEqual(['11-13 12:00+00:00']);
  });

  it('answers whole seconds for any millisecond', () => {
    const fields = parseCron('* * * * * *');
    expect(nextAfter(fields, 'Asia/Kathmandu', 1_795_222_800_001)).toBe(1_795_222_801_000);
    expect(nextAfter(fields, 'Asia/Kathmandu', 1_795_222_800_999)).toBe(1_795_222_801_000);
    expect(nextAfter(fields, 'Asia/Kathmandu', 1_795_222_801_000)).toBe(1_795_222_802_000);
  });
});

describe('against Temporal', () => {
  it('any expression, in windows around the changes of twelve zones', () => {
    const windows = fc
      .record({ zone: fc.constantFrom(...ZONES), year: fc.integer({ min: 2020, max: 2035 }), day: fc.nat(365) })
      .chain(({ zone, year, day }) => {
        const start = new Temporal.ZonedDateTime(BigInt(Date.UTC(year, 0, 1 + day)) * 1_000_000n, zone);
        const change = start.getTimeZoneTransition('next')?.epochMilliseconds ?? start.epochMilliseconds;
        const near = fc.integer({ min: -8 * HOUR, max: 4 * HOUR }).map((offset) => change + offset);
        return fc.record({ zone: fc.constant(zone), after: near });
      });
    fc.assert(
      fc.property(anySets, windows, (sets, { zone, after }) => {
        const perDay = sets.seconds.length * sets.minutes.length * sets.hours.length;
        fc.pre(perDay <= 3_000);
        const upTo = after + 12 * HOUR;
        const expected = listed(sets, zone, after, upTo);
        const times = nextTimes(
          timetableOf({ expression: expressionOf(sets), timezone: zone }),
          after,
          expected.length + 1,
        );
        expect(times.filter((at) => at <= upTo)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('ten years of random expressions: the same times, none missed, none twice', () => {
    fc.assert(
      fc.property(sparseSets, fc.constantFrom(...ZONES), (sets, zone) => {
        const after = Date.UTC(2020, 5, 1);
        const upTo = after + 3_652 * DAY;
        const expected = listed(sets, zone, after, upTo);
        const times = nextTimes(
          timetableOf({ expression: expressionOf(sets), timezone: zone }),
          after,
          expected.length + 1,
        );
        expect(times.filter((at) => at <= upTo)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('each time is later than the one before, from any moment', () => {
    fc.assert(
      fc.property(
        anySets,
        fc.constantFrom(...ZONES),
        fc.integer({ min: 0, max: Date.UTC(2060, 0, 1) }),
        (sets, zone, after) => {
          const times = nextTimes(timetableOf({ expression: expressionOf(sets), timezone: zone }), after, 50);
          for (const [i, at] of times.entries()) expect(at).toBeGreaterThan(times[i - 1] ?? after);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a question asked between two times has the same answer as at the first', () => {
    fc.assert(
      fc.property(
        anySets,
        fc.constantFrom(...ZONES),
        fc.integer({ min: 0, max: 2e12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (sets, zone, after, share) => {
          const fields = parseCron(expressionOf(sets));
          const next = nextAfter(fields, zone, after);
          fc.pre(next !== undefined);
          const between = Math.floor(after + share * (next! - 1 - after));
          expect(nextAfter(fields, zone, between)).toBe(next);
        },
      ),
      { numRuns: 300 },
    );
  });
});

it('costs microseconds: two weeks of minutes, one after the other, take no time that anybody would notice', () => {
  const fields = parseCron('* * * * *');
  let at: number | undefined = Date.UTC(2027, 0, 1);
  const start = performance.now();
  for (let i = 0; i < 20_000; i++) at = nextAfter(fields, 'Europe/Berlin', at!);
  expect(performance.now() - start).toBeLessThan(10_000);
});
