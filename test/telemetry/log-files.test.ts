import fc from 'fast-check';
import { expect, it } from 'vitest';
import { filesToCompress, filesToDrop, inOrder } from '../../src/telemetry/log-files.ts';

const file = (day: number, number: number, bytes: number) => ({
  name: `daruma.2026-11-${String(day).padStart(2, '0')}.${number}.log`,
  bytes,
  changedAt: 0,
});

it('puts files in the order in which they were written, number 10 after number 9', () => {
  const names = inOrder([file(22, 10, 1), file(22, 9, 1), file(21, 11, 1)]).map(({ name }) => name);
  expect(names).toEqual(['daruma.2026-11-21.11.log', 'daruma.2026-11-22.9.log', 'daruma.2026-11-22.10.log']);
});

it('compresses what is closed and not compressed yet, oldest first', () => {
  const packed = (day: number, number: number) => ({
    ...file(day, number, 1),
    name: `${file(day, number, 1).name}.zst`,
  });
  const files = [file(22, 2, 1), file(22, 1, 1), packed(21, 1), file(20, 3, 1), file(22, 3, 1)];
  const names = filesToCompress(files, file(22, 2, 1).name).map(({ name }) => name);
  expect(names).toEqual(['daruma.2026-11-20.3.log', 'daruma.2026-11-22.1.log']);
  expect(inOrder([file(22, 1, 1), packed(21, 1)]).map(({ name }) => name)[0]).toMatch(/zst$/);
});

it('drops the oldest until the rest fits, and never the newest', () => {
  const some = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 28 }), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 100 })),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(some, fc.integer({ min: 0, max: 500 }), (list, budget) => {
      const files = [...new Map(list.map((one) => [file(...one).name, file(...one)])).values()];
      const ordered = inOrder(files);
      const dropped = filesToDrop(files, budget);
      expect(dropped).toEqual(ordered.slice(0, dropped.length));
      expect(dropped.length).toBeLessThan(files.length);
      const left = ordered.slice(dropped.length).reduce((sum, one) => sum + one.bytes, 0);
      if (dropped.length < files.length - 1) expect(left).toBeLessThanOrEqual(budget);
      const oneLess = left + (dropped.at(-1)?.bytes ?? 0);
      if (dropped.length > 0) expect(oneLess).toBeGreaterThan(budget);
    }),
  );
});
