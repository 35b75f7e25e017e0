import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BOUNDS, isWithin } from '../../src/kernel/bounds.ts';
import { formatDuration, formatSize, readCount, readCountText, readLength, readSize } from '../../src/kernel/units.ts';
import { anyValue } from './extremes.ts';

it.each([
  ['250ms', 250],
  ['10s', 10_000],
  ['1.5h', 5_400_000],
  [' 2 d ', 172_800_000],
  ['0s', 0],
])('reads the duration %s', (text, ms) => expect(readLength(text, BOUNDS.back)).toBe(ms));

it.each(['10', '', 's', '-5s', '1h30m', '10 sec', '1e3s', '.5s', '10S'])('takes "%s" for no duration', (text) =>
  expect(readLength(text, BOUNDS.back)).toBe('is no length of time such as 250ms, 10s, 15m, 6h or 2d'),
);

it.each([
  ['64MB', 64 * 1024 ** 2],
  ['1.5GB', 1.5 * 1024 ** 3],
  ['512 kb', 512 * 1024],
  ['7B', 7],
])('reads the size %s', (text, bytes) => expect(readSize(text, { least: 0, most: 2 ** 40 })).toBe(bytes));

it.each(['64', '64M', '', 'MB', '-1MB', '1TB'])('takes "%s" for no size', (text) =>
  expect(readSize(text, BOUNDS.disk)).toBe('is no size such as 64MB, 512KB or 1.5GB'),
);

it.each([
  [0, '0ms'],
  [812, '812ms'],
  [4_200, '4.2s'],
  [41_000, '41s'],
  [200_000, '3m 20s'],
  [180_000, '3m'],
  [8 * 3_600_000, '8h'],
  [18 * 86_400_000 + 4 * 3_600_000 + 59_000, '18d 4h'],
])('tells %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

it('tells any duration in at most two units that come back within a tenth of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 * 86_400_000 }), (ms) => {
      const parts = formatDuration(ms).split(' ');
      expect(parts.length).toBeLessThanOrEqual(2);
      const back = parts.reduce((sum, part) => sum + (readLength(part, BOUNDS.back) as number), 0);
      expect(Math.abs(back - ms) / ms).toBeLessThanOrEqual(0.1);
    }),
  );
});

it.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [2_048, '2 KB'],
  [96 * 1024 ** 2, '96 MB'],
  [1.4 * 1024 ** 3, '1.4 GB'],
])('tells %d bytes as %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));

it('reads of anything a whole number within the bounds, or says in words what is wrong', () => {
  const bounds = fc.constantFrom(...Object.values(BOUNDS));
  fc.assert(
    fc.property(anyValue, bounds, (said, within) => {
      for (const read of [readLength, readSize, readCount]) {
        const value = read(said, within);
        if (typeof value === 'number') expect(isWithin(value, within) && !Object.is(value, -0)).toBe(true);
        else expect(value).toMatch(/^(is|must be) [^\n]{5,80}$/);
      }
      if (typeof said !== 'string') return;
      const count = readCountText(said, within);
      if (typeof count === 'number') expect(isWithin(count, within)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

it('takes what stands at a bound and nothing beyond it', () => {
  const at = (ms: number) => readLength(`${ms}ms`, BOUNDS.wait);
  expect([at(BOUNDS.wait.most), at(BOUNDS.wait.most + 1)]).toEqual([BOUNDS.wait.most, 'is longer than 366 days']);
  expect(readLength('0s', BOUNDS.use)).toBe('must be longer than nothing');
  expect(readLength('0s', BOUNDS.wait)).toBe(0);
  expect(readSize('2000GB', BOUNDS.memory)).toBe('is too large; the most is 1024GB');
  expect(readSize('1MB', BOUNDS.memory)).toBe('is too small; the least is 16MB');
});

it('tells any number without failing', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double(), fc.maxSafeInteger(), fc.constantFrom(NaN, Infinity, -Infinity, 1e300)),
      (value) => {
        expect(typeof formatDuration(value)).toBe('string');
        expect(typeof formatSize(value)).toBe('string');
      },
    ),
  );
});
