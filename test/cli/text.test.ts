import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { faultLines } from '../../src/cli/text/fault.ts';
import { jobLines } from '../../src/cli/text/job.ts';
import { type Paint, plain } from '../../src/cli/text/paint.ts';
import { spark } from '../../src/cli/text/status.ts';
import { table } from '../../src/cli/text/table.ts';
import { cut, pad, widthOf, wrap } from '../../src/cli/text/width.ts';
import { asTyped, PLAIN } from '../../src/control/typed.ts';
import { clockTime, dayOf, fullTime, nextTime, relative, shortTime } from '../../src/kernel/clock.ts';
import { locationOf } from '../../src/kernel/fault.ts';
import { oneLine, plainLine } from '../../src/kernel/shown-text.ts';
import { clock, job, NOW } from './views.ts';

const HOUR = 3_600_000;
const STEERING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

describe('width', () => {
  test('a text never takes more places than it is cut to', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
        expect(widthOf(cut(text, width))).toBeLessThanOrEqual(Math.max(width, 1));
      }),
    );
  });

  test('wide letters count twice and colours not at all', () => {
    expect(widthOf('日本')).toBe(4);
    expect(widthOf('\u001b[32mok\u001b[39m')).toBe(2);
    expect(pad('日', 4)).toBe('日  ');
    expect(pad('7', 3, 'right')).toBe('  7');
  });

  test.each([
    ['a combining mark', 'e\u0301', 1],
    ['an emoji of several joined ones', '👨‍👩‍👧‍👦', 2],
    ['a flag', '🇩🇪', 2],
    ['a zero-width space', 'a\u200bb', 2],
    ['a sign with a variant', '❤️', 2],
    ['a skin', '👍🏽', 2],
  ])('%s takes its places', (_, text, width) => {
    expect(widthOf(text)).toBe(width);
    expect(pad(text, 4)).toBe(text + ' '.repeat(4 - width));
  });

  test('what is taken for simple is as wide as the package says', () => {
    const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code));
    const wrong = all.filter((letter) => widthOf(letter) !== stringWidth(letter.replaceAll('\u001b', '')));
    expect(wrong).toEqual([]);
  });

  test('a sign of several letters is cut off as a whole', () => {
    expect(cut('ab🇩🇪🇫🇷', 5)).toBe('ab🇩🇪…');
    expect(cut('ab👨‍👩‍👧‍👦cd', 4)).toBe('ab…');
    expect(cut('cafe\u0301s', 5)).toBe('cafe\u0301s');
    expect(cut('cafe\u0301s!', 5)).toBe('cafe\u0301…');
  });

  test('nothing that a person reads steers the terminal, whoever wrote it; colours of Daruma stay', () => {
    const name = 'esc\u001b[2J\u202ex.ts';
    const place = locationOf({ code: 'X', message: 'x', file: `plugins/${name}`, line: 3 });
    expect(place).toBe('plugins/esc [2J x.ts:3');
    expect(
      faultLines({ code: 'X', message: 'x', file: `plugins/${name}`, frame: `> 1 | ${name}` }).join(''),
    ).not.toMatch(STEERING);
    expect(table(['A'], [[name]], { paint: plain, width: 80 }).join('')).not.toMatch(STEERING);
    expect(asTyped('\u001b[32mok\u001b[39m\tdaruma status\n\u001b[8mhidden', PLAIN)).toBe(
      '\u001b[32mok\u001b[39m\tdaruma status\n [8mhidden',
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const left = asTyped(text, { command: 'npx daruma' }).split(/\p{Cc}\[(?:[0-2]|22|3[1-69])m|[\n\t]/u);
        expect(left.join('')).not.toMatch(STEERING);
        expect(plainLine(text)).not.toMatch(STEERING);
        expect(plainLine(text)).toHaveLength(text.length);
      }),
    );
  });

  test('a summary is marked as its author’s words, so that no line of it passes for advice', () => {
    const lines = jobLines(job({ summary: '# Done\n→ daruma stop --force\u001b[2J' }), {
      clock,
      paint: plain,
      width: 80,
    });
    expect(lines).toContain('  │ → daruma stop --force [2J');
    expect(lines.filter((line) => /^\s*→/.test(line) && line.includes('stop'))).toEqual([]);
  });

  test('what others wrote can neither steer the terminal nor turn the line', () => {
    expect(oneLine('a\u001b[2Jb\r\n\tc\u202ed')).toBe('a [2Jb c d');
  });

  test('lines are broken between words and stay within the width', () => {
    expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
    fc.assert(
      fc.property(fc.lorem({ maxCount: 30 }), fc.integer({ min: 3, max: 30 }), (text, width) => {
        for (const line of wrap(text, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('table', () => {
  test('columns line up, numbers stand to the right, and only the column that may give way is cut', () => {
    const columns = [{ title: 'N', right: true }, { title: 'WHAT', atLeast: 6 }, { title: 'WHO' }];
    const rows = [['14', 'a long story of what happened', 'me'], { cells: ['1', 'short', 'you'], below: ['  └ why'] }];
    expect(table(columns, rows, { paint: plain, width: 24 })).toEqual([
      ' N  WHAT             WHO',
      '14  a long story o…  me',
      ' 1  short            you',
      '  └ why',
    ]);
  });

  test('columns line up whatever signs stand in them', () => {
    const names = ['e\u0301', '👨‍👩‍👧‍👦', '🇩🇪', 'a\u200bb', '日'];
    const lines = table(
      [{ title: 'NAME' }, { title: 'X' }],
      names.map((name) => [name, 'x']),
      { paint: plain, width: 80 },
    );
    expect(lines.map((line) => widthOf(line.slice(0, line.search(/[xX]$/))))).toEqual([6, 6, 6, 6, 6, 6]);
  });

  test('colours are put on after the cell has been filled up', () => {
    const cell = { text: 'ok', paint: (text: string) => `<${text}>` };
    const paint: Paint = (style, text) => `${style}(${text})`;
    expect(table(['STATE', 'X'], [[cell, ['y', 'red']]], { paint, width: 80 })).toEqual([
      'dim(STATE  X)',
      '<ok   >  red(y)',
    ]);
  });
});

describe('clock', () => {
  test('a time is as short as its distance allows', () => {
    expect(shortTime(NOW - HOUR, clock)).toBe('11:04');
    expect(shortTime(NOW - 24 * HOUR, clock)).toBe('Sat 12:04');
    expect(shortTime(NOW - 20 * 24 * HOUR, clock)).toBe('11-02 12:04');
    expect(shortTime(NOW - 365 * 24 * HOUR, clock)).toBe('2025-11-22 12:04');
  });

  test('what is next is near, later, or overdue', () => {
    expect(nextTime(NOW + 41_000, clock)).toBe('in 41s');
    expect(nextTime(NOW + 14 * HOUR, clock)).toBe('Mon 02:04');
    expect(nextTime(NOW - 271_000, clock)).toBe('due 12:00');
    expect(relative(NOW - 360_000, clock)).toBe('6m ago');
    expect(relative(NOW + 20, clock)).toBe('now');
  });

  test('times are in the zone of the reader, with their offset', () => {
    expect(fullTime(NOW, clock)).toBe('Sun 2026-11-22 12:04:31 (+01:00)');
    expect(clockTime(NOW, { now: NOW, zone: 'Asia/Kolkata' }, true)).toBe('16:34:31.000');
    expect(dayOf(NOW, { now: NOW, zone: 'Pacific/Auckland' })).toBe('Mon 2026-11-23');
  });
});

describe('spark', () => {
  test('nothing, success by height, some dead, all dead', () => {
    const marks = spark([
      { done: 0, dead: 0 },
      { done: 1, dead: 0 },
      { done: 70, dead: 0 },
      { done: 5, dead: 1 },
      { done: 0, dead: 2 },
    ]);
    expect(marks.map((mark) => mark.letter).join('')).toBe('·▁▇!✗');
  });

  test('neighbours are put together without losing a failure', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ done: fc.nat(100), dead: fc.nat(3) }), { minLength: 24, maxLength: 24 }),
        fc.constantFrom(24, 12, 8, 6),
        (hours, places) => {
          const marks = spark(hours, places);
          expect(marks).toHaveLength(places);
          const failed = hours.some((hour) => hour.dead > 0);
          expect(marks.some((mark) => mark.is === 'dead' || mark.is === 'mixed')).toBe(failed);
        },
      ),
    );
  });
});

test('a failure is told in a line, with its place, the lines around it and the next step', () => {
  const fault = {
    code: 'X',
    message: 'settings.slowAftr is unknown, did you mean slowAfter?',
    file: 'agents/shop-api.yaml',
    line: 6,
    column: 3,
    frame: '> 6 | slowAftr: 1\n    | ^',
    next: 'daruma check',
  };
  expect(faultLines(fault)).toEqual([
    '✗ settings.slowAftr is unknown, did you mean slowAfter?',
    '  at agents/shop-api.yaml:6:3',
    '  > 6 | slowAftr: 1',
    '      | ^',
    '  → daruma check',
  ]);
});
