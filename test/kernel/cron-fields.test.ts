import { expect, it } from 'vitest';
import { checkSchedule, wallClock } from '../../src/kernel/cron/check.ts';
import { parseCron } from '../../src/kernel/cron/fields.ts';
import { Fault, type PlainFault } from '../../src/kernel/fault.ts';

const NOW = Date.parse('2026-11-20T18:00:00Z');

function faultOf(call: () => unknown): PlainFault {
  try {
    call();
  } catch (error) {
    if (error instanceof Fault) return error.plain;
    throw error;
  }
  throw new Error('nothing was thrown');
}

it('reads five fields, six fields and names', () => {
  expect(parseCron(' */20  9-17 1,15 jan-mar mon-fri ')).toEqual({
    expression: '*/20  9-17 1,15 jan-mar mon-fri',
    seconds: [0],
    minutes: [0, 20, 40],
    hours: [9, 10, 11, 12, 13, 14, 15, 16, 17],
    days: [1, 15],
    months: [1, 2, 3],
    weekdays: [1, 2, 3, 4, 5],
    specialDays: [],
    nthWeekdays: [],
    daysRestricted: true,
    weekdaysRestricted: true,
    needsBoth: false,
    everyHour: false,
  });
  expect(parseCron('*/30 * * * * *').seconds).toEqual([0, 30]);
  expect(parseCron('0 0 * * 7').weekdays).toEqual([0]);
});

it('keeps 0-58 apart from every second, which the text form of cron does not', () => {
  expect(parseCron('0-58 * * * * *').seconds).toHaveLength(59);
  expect(parseCron('0 0 * * 0-5').weekdaysRestricted).toBe(true);
});

it.each([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@Weekdays', '0 0 * * 1-5'],
])('%s is %s', (nickname, expression) => {
  expect({ ...parseCron(nickname), expression: '' }).toEqual({ ...parseCron(expression), expression: '' });
});

it.each([
  ['', 'is empty'],
  ['* * * *', 'has 4 fields'],
  ['* * * * * * *', 'has 7 fields'],
  ['60 * * * *', 'out of range'],
  ['*/0 * * * *', 'step of zero in the field of the minute'],
  ['tomorrow at noon or later', '"tomorrow" cannot be read in the field of the minute'],
  ['@dayly', 'did you mean @daily?'],
  ['@reboot', 'the start of a machine is none'],
])('refuses "%s" and says why', (expression, why) => {
  const fault = faultOf(() => parseCron(expression));
  expect(fault).toMatchObject({ code: 'SCHEDULE_INVALID' });
  expect(fault.message).toContain(why);
  expect(fault.next).toBeTruthy();
});

it('refuses a schedule that cron calls valid but that never comes due, with an example that does', () => {
  const fault = faultOf(() => checkSchedule({ expression: '0 0 31 2 *', timezone: 'Europe/Berlin' }, NOW));
  expect(fault).toMatchObject({
    code: 'SCHEDULE_INVALID',
    message: 'schedule "0 0 31 2 *": never comes due: none of its months has such a day',
    next: 'write for example "*/10 * * * *", which would run at 19:10, 19:20, 19:30 (Europe/Berlin)',
  });
  expect(faultOf(() => checkSchedule({ expression: 'bad', timezone: 'UTC' }, NOW)).next).toContain('write five fields');
  expect(checkSchedule({ expression: '0 0 29 2 *', timezone: 'UTC' }, NOW).next(NOW)).toBe(Date.UTC(2028, 1, 29));
});

it('refuses a time zone that is none, and suggests the near one', () => {
  expect(faultOf(() => checkSchedule({ expression: '* * * * *', timezone: 'Europe/Berlim' }, NOW))).toMatchObject({
    code: 'TIMEZONE_UNKNOWN',
    message: 'time zone "Europe/Berlim" is no time zone, did you mean Europe/Berlin?',
  });
  expect(faultOf(() => checkSchedule({ expression: '* * * * *', timezone: '+02:00' }, NOW)).code).toBe(
    'TIMEZONE_UNKNOWN',
  );
  expect(faultOf(() => checkSchedule({ expression: '* * * * *', timezone: '' }, NOW)).code).toBe('TIMEZONE_UNKNOWN');
});

it('shows a moment as the wall clock of its zone', () => {
  expect(wallClock(NOW, 'Asia/Kathmandu')).toBe('2026-11-20 23:45');
  expect(wallClock(NOW + 7_000, 'UTC')).toBe('2026-11-20 18:00:07');
});
