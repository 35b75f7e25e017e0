import fc from 'fast-check';
import { nextTimes, timetableOf } from '../../../src/kernel/cron/timetable.ts';
import { anySets, expressionOf, listed, type Sets, ZONES } from '../../../test/kernel/cron-oracle.ts';
import type { Broken } from '../check.ts';

/** Times that were compared, those that are missing and those that are too many. */
export interface Compared {
  times: number;
  misses: number;
  doubles: number;
}

export interface Seasons {
  zones: number;
  zonesThatChange: number;
  changes: number;
  years: string;
  /** `* * * * *`, three hours before and after each change. */
  minutes: Compared;
  /** Each half hour of the day as a daily time, on the day of each change and two days around it: once for each date. */
  daily: Compared & { expressions: number };
  /** Random expressions around each change, against all that the calendar allows by Temporal alone. */
  random: Compared & { expressions: number };
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEARS = [2020, 2035] as const;

const zoned = (at: number, timezone: string) => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);

function changesOf(timezone: string): number[] {
  const found: number[] = [];
  const end = Date.UTC(YEARS[1] + 1, 0, 1);
  for (let at = zoned(Date.UTC(YEARS[0], 0, 1), timezone); ; ) {
    const next = at.getTimeZoneTransition('next');
    if (!next || next.epochMilliseconds >= end) return found;
    found.push(next.epochMilliseconds);
    at = next;
  }
}

/** Every change of every zone of the tests: what a schedule does there, compared with what it should. */
export function seasons(seed: number, perChange: number): Seasons & { broken: Broken } {
  const broken: Broken = {};
  const places = ZONES.flatMap((zone) => changesOf(zone).map((at) => ({ zone, at })));
  const minutes: Compared = { times: 0, misses: 0, doubles: 0 };
  const daily = { expressions: 48, times: 0, misses: 0, doubles: 0 };
  const random = { expressions: 0, times: 0, misses: 0, doubles: 0 };
  const sets = fc
    .sample(anySets, { seed, numRuns: places.length * perChange * 3 })
    .filter(({ seconds, minutes: of, hours }) => seconds.length * of.length * hours.length <= 500);
  const drawn = sets.values();

  function compare(
    into: Compared,
    expected: readonly (number | string)[],
    found: readonly (number | string)[],
    what: string,
  ) {
    const wanted = new Set(expected);
    const misses = wanted.difference(new Set(found)).size;
    const doubles = found.length - new Set(found).size + new Set(found).difference(wanted).size;
    into.times += expected.length;
    into.misses += misses;
    into.doubles += doubles;
    if (misses + doubles === 0) return;
    broken['a schedule is wrong when clocks change'] ??= [];
    broken['a schedule is wrong when clocks change'].push(`${what}: ${misses} missing, ${doubles} too many`);
  }

  for (const { zone, at } of places) {
    const where = `${zone} ${new Date(at).toISOString()}`;
    const from = at - 3 * HOUR;
    const each = Array.from({ length: 360 }, (_, n) => from + (n + 1) * MINUTE);
    compare(
      minutes,
      each,
      nextTimes(timetableOf({ expression: '* * * * *', timezone: zone }), from, 360),
      `${where}, every minute`,
    );

    const first = zoned(at, zone).toPlainDate().subtract({ days: 2 });
    const start = first.toZonedDateTime(zone).epochMilliseconds - 1;
    const dates = Array.from({ length: 5 }, (_, n) => first.add({ days: n }).toString());
    for (let half = 0; half < 48; half++) {
      const expression = `${(half % 2) * 30} ${half >> 1} * * *`;
      const found = nextTimes(timetableOf({ expression, timezone: zone }), start, 7).map((one) =>
        zoned(one, zone).toPlainDate().toString(),
      );
      compare(
        daily,
        dates,
        found.filter((date) => date <= dates.at(-1)!),
        `${where}, ${expression}`,
      );
    }

    for (let n = 0; n < perChange; n++) {
      const set: Sets | undefined = drawn.next().value;
      if (!set) break;
      const after = at - 12 * HOUR;
      const upTo = at + DAY;
      const expected = listed(set, zone, after, upTo);
      const found = nextTimes(
        timetableOf({ expression: expressionOf(set), timezone: zone }),
        after,
        expected.length + 1,
      );
      random.expressions++;
      compare(
        random,
        expected,
        found.filter((one) => one <= upTo),
        `${where}, ${expressionOf(set)}`,
      );
    }
  }
  return {
    zones: ZONES.length,
    zonesThatChange: new Set(places.map(({ zone }) => zone)).size,
    changes: places.length,
    years: YEARS.join('-'),
    minutes,
    daily,
    random,
    broken,
  };
}
