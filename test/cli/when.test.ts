import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationOf, numberOf, parseWhen } from '../../src/cli/given.ts';
import { BOUNDS, isWithin } from '../../src/kernel/bounds.ts';
import { clockTime, dayOf, fullTime, nextTime, relative, shortTime } from '../../src/kernel/clock.ts';
import type { Fault } from '../../src/kernel/fault.ts';
import { isInstant } from '../../src/kernel/instant.ts';
import { anyValue } from '../kernel/extremes.ts';
import { clock, NOW } from './views.ts';

const at = (text: string, over = clock) => {
  const ms = parseWhen(text, over);
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe('a time as people say it', () => {
  test.each([
    ['02:00', '2026-11-22T01:00:00.000Z'],
    ['2:00', '2026-11-22T01:00:00.000Z'],
    ['18:30', '2026-11-21T17:30:00.000Z'],
    ['12:04:31', '2026-11-22T11:04:31.000Z'],
    ['Sat 02:00', '2026-11-21T01:00:00.000Z'],
    ['saturday 02:00', '2026-11-21T01:00:00.000Z'],
    ['Sun 18:00', '2026-11-15T17:00:00.000Z'],
    ['Sun 06:00', '2026-11-22T05:00:00.000Z'],
    ['yesterday 18:00', '2026-11-21T17:00:00.000Z'],
    ['today 18:00', '2026-11-22T17:00:00.000Z'],
    ['2026-11-21 02:00', '2026-11-21T01:00:00.000Z'],
    ['2026-11-21T02:00:05', '2026-11-21T01:00:05.000Z'],
    ['2026-11-21', '2026-11-20T23:00:00.000Z'],
    ['2026-11-21T02:00:00Z', '2026-11-21T02:00:00.000Z'],
    ['2026-11-21T02:00:00.123+05:30', '2026-11-20T20:30:00.123Z'],
    ['24h', '2026-11-21T11:04:31.000Z'],
    ['10m ago', '2026-11-22T10:54:31.000Z'],
    ['now', '2026-11-22T11:04:31.000Z'],
  ])('%s', (text, expected) => {
    expect(at(text)).toBe(expected);
  });

  test.each(['', 'soon', '25:00', '12:61', 'Sax 02:00', 'S 02:00', '2026-13-01', '2026-02-30 02:00', '7', '02:00 Sat'])(
    '%j is no time',
    (text) => {
      expect(at(text)).toBeUndefined();
    },
  );

  test('an hour that the clocks skip is the one after it, one that comes twice is its first', () => {
    const summer = { now: Date.parse('2026-03-29T12:00:00Z'), zone: 'Europe/Berlin' };
    expect(at('02:30', summer)).toBe('2026-03-29T01:30:00.000Z');
    const winter = { now: Date.parse('2026-10-25T12:00:00Z'), zone: 'Europe/Berlin' };
    expect(at('02:30', winter)).toBe('2026-10-25T00:30:00.000Z');
  });

  test('without a date it is the latest such time that is not in the future', () => {
    fc.assert(
      fc.property(fc.nat(23), fc.nat(59), fc.nat(366 * 24 * 60), (hour, minute, minutes) => {
        const now = NOW + minutes * 60_000;
        const text = `${hour}:${String(minute).padStart(2, '0')}`;
        const found = parseWhen(text, { now, zone: 'America/New_York' })!;
        expect(found).toBeLessThanOrEqual(now);
        // A day of 25 hours is the longest there is, and the hour that comes twice counts as its first.
        expect(now - found).toBeLessThan(26 * 3_600_000);
      }),
    );
  });

  test('whatever is typed is a time that can be stored and shown, or none', () => {
    const zone = fc.constantFrom('UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Europe/Berlin');
    const like = fc
      .tuple(fc.nat(99_999), fc.nat(13), fc.nat(32), fc.constantFrom('', ' 02:00', 'T23:59:59Z', 'T00:00:00+14:00'))
      .map(([year, month, day, time]) => `${year}-${month}-${day}${time}`);
    const typed = fc.oneof(
      fc.string(),
      like,
      anyValue.filter((value) => typeof value === 'string'),
    );
    fc.assert(
      fc.property(typed, zone, (text, zone) => {
        const at = parseWhen(text as string, { now: NOW, zone });
        expect(at === undefined || isInstant(at)).toBe(true);
        if (at !== undefined) expect(fullTime(at, { now: NOW, zone })).not.toBe('?');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('counts and lengths on the command line', () => {
  test('are within their bounds, or wrong usage in one line', () => {
    const bounds = fc.constantFrom(...Object.values(BOUNDS));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          anyValue.filter((value) => typeof value === 'string'),
        ),
        bounds,
        (text, within) => {
          for (const read of [numberOf, durationOf]) {
            try {
              expect(isWithin(read(text as string, within, '--x'), within)).toBe(true);
            } catch (thrown) {
              expect((thrown as Fault).code).toBe('USAGE');
              expect((thrown as Fault).message).toMatch(/^--x [^\n]{0,62} (is|must be) [^\n]+$/u);
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

test('any number is shown in some way, in every zone', () => {
  const numbers = fc.oneof(
    fc.double(),
    fc.maxSafeInteger(),
    fc.constantFrom(NaN, Infinity, -Infinity, 8.64e15, 8.64e15 + 1, 2 ** 63),
  );
  fc.assert(
    fc.property(numbers, fc.constantFrom('UTC', 'Pacific/Kiritimati'), (ms, zone) => {
      const clock = { now: NOW, zone };
      for (const show of [shortTime, clockTime, dayOf, fullTime, nextTime, relative]) {
        expect(show(ms, clock).length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 1_000 },
  );
});
