import { expect, it } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import { wordsOf } from '../../src/schedule/words.ts';

const timezone = 'Europe/Berlin';

it.each([
  ['0 9 * * 1-5', 'At 09:00, Monday through Friday', []],
  ['@daily', 'At 00:00', []],
  ['0 20 L * *', 'At 20:00, on the last day of the month', []],
  ['0 9 * * FRI#L', 'At 09:00, on the last Friday of the month', []],
  ['0 0 * * Monday-Wednesday', 'At 00:00, Monday through Wednesday', []],
  ['0 22-2 * * *', 'Every hour, between 22:00 and 02:00', []],
  ['@every 90m', 'Every 1h 30m, counted from 1970-01-01 00:00 UTC', []],
  ['at 2026-12-24T18:00', 'Once, at 2026-12-24 18:00', []],
  // What cronstrue cannot say at once.
  [
    '0 0 15W,L * *',
    'At 00:00, on the weekday nearest day 15 of the month; and: At 00:00, on the last day of the month',
    [],
  ],
  // What a reader could take for something else.
  ['*/7 * * * *', 'Every 7 minutes', [/begins anew with each hour.*"@every 7m"/]],
  ['0 12 13 * 5', 'At 12:00, on day 13 of the month; and besides: At 12:00, only on Friday', [/either is enough/]],
  ['0 9 1-7 * MON', 'At 09:00, between day 1 and 7 of the month; and besides: At 09:00, only on Monday', [/"MON#1"/]],
  [
    '0 16 */2 * SAT',
    'At 16:00, every 2 days in a month; of these days only: At 16:00, only on Saturday',
    [/must match both/],
  ],
])('"%s" is said as: %s', (expression, words, notes) => {
  const said = wordsOf({ expression, timezone });
  expect(said.words).toBe(words);
  expect(said.notes).toEqual(notes.map((note) => expect.stringMatching(note)));
});

it('says from when, until when and except when', () => {
  const range = { from: '2026-12-01', until: '2026-12-31', except: ['2026-12-25'] };
  expect(wordsOf({ expression: '@every 2d', timezone, ...range }).words).toBe(
    'Every 2d, counted from its beginning, from 2026-12-01, until 2026-12-31, except on 2026-12-25',
  );
});

it('refuses what cannot be kept with a fault, never with words of a library', () => {
  expect(() => wordsOf({ expression: '0 9 * mon *', timezone })).toThrow(Fault);
});
