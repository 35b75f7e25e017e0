import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/kernel/units.ts';

it.each([
  ['250ms', 250],
  ['10s', 10_000],
  ['1.5h', 5_400_000],
  [' 2 d ', 172_800_000],
  ['0s', 0],
])('reads the duration %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

it.each(['10', '', 's', '-5s', '1h30m', '10 sec', '1e3s', '.5s', '10S'])('takes "%s" for no duration', (text) =>
  expect(parseDuration(text)).toBeUndefined(),
);

it.each([
  ['64MB', 64 * 1024 ** 2],
  ['1.5GB', 1.5 * 1024 ** 3],
  ['512 kb', 512 * 1024],
  ['7B', 7],
])('reads the size %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

it.each(['64', '64M', '', 'MB', '-1MB', '1TB'])('takes "%s" for no size', (text) =>
  expect(parseSize(text)).toBeUndefined(),
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
      const back = parts.reduce((sum, part) => sum + parseDuration(part)!, 0);
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
