import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRepeats, groupedCount } from '../../src/kernel/repeats.ts';

const line = (message: string, level = 'info') => ({ message, level });

it('the first lines of a form are written, then so many a second, and no line is lost in the count', () => {
  const step = fc.record({ afterMs: fc.nat(3_000), count: fc.nat(400), level: fc.constantFrom('info', 'error') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const repeats = createRepeats<ReturnType<typeof line>>();
      let [now, all, written, told] = [0, 0, 0, 0];
      const tell = () => {
        for (const { count, last } of repeats.leftOut()) {
          expect(last.message).toMatch(/^order \d+ priced$/);
          told += count;
        }
      };
      for (const { afterMs, count, level } of steps) {
        now += afterMs;
        for (let n = 0; n < count; n++) if (repeats.take(line(`order ${all++} priced`, level), now)) written++;
        if (afterMs % 2 === 0) tell();
        expect(written).toBeLessThanOrEqual(2 * (200 + (now * 20) / 1_000));
      }
      tell();
      expect(written + told).toBe(all);
    }),
  );
});

it('messages that differ in more than words with digits are no repeats', () => {
  const repeats = createRepeats<ReturnType<typeof line>>();
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  for (let n = 0; n < 5_000; n++) {
    const word = [0, 1, 2].map((at) => letters[Math.floor(n / 26 ** at) % 26]).join('');
    expect(repeats.take(line(`${word} is there`), 0)).toBe(true);
  }
  expect(repeats.leftOut()).toEqual([]);
  for (let n = 0; n < 300; n++) repeats.take(line(`0x${n.toString(16)}f of job-${n}`), 0);
  expect(repeats.leftOut()).toEqual([{ count: 100, last: line('0x12bf of job-299') }]);
  expect(repeats.leftOut()).toEqual([]);
});

it('counts are grouped by thousands', () => {
  expect([1, 999, 1_000, 12_411, 1_234_567].map(groupedCount)).toEqual(['1', '999', '1,000', '12,411', '1,234,567']);
});
