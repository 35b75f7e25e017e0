import fc from 'fast-check';
import { expect, it } from 'vitest';
import { baselineNow, type MemoryBaseline, type SuspectFacts, suspectOf } from '../../src/workers/inside/suspect.ts';

const MB = 1024 ** 2;
const worker = (id: number, more: Partial<SuspectFacts> = {}): SuspectFacts => ({
  worker: id,
  heldBytes: 10 * MB,
  limitBytes: 64 * MB,
  unansweredMs: 0,
  ...more,
});
const calm: MemoryBaseline = {
  rssBytes: 200 * MB,
  held: new Map([
    [1, 10 * MB],
    [2, 10 * MB],
  ]),
};

it('names the silent worker once the process has grown by more than its limit', () => {
  const silent = worker(1, { unansweredMs: 1_500 });
  expect(suspectOf([silent, worker(2)], 250 * MB, calm)).toBeUndefined();
  expect(suspectOf([silent, worker(2)], 400 * MB, calm)).toEqual({ worker: 1, bytes: 210 * MB });
});

it('does not hold it to account for what a neighbour owns up to', () => {
  const neighbour = worker(2, { heldBytes: 210 * MB, limitBytes: 512 * MB });
  expect(suspectOf([worker(1, { unansweredMs: 5_000 }), neighbour], 400 * MB, calm)).toBeUndefined();
});

it('names nobody while everybody answers, nobody of two silent ones, and nobody without a calm before', () => {
  expect(suspectOf([worker(1), worker(2)], 4_000 * MB, calm)).toBeUndefined();
  expect(
    suspectOf([worker(1, { unansweredMs: 2_000 }), worker(2, { unansweredMs: 2_000 })], 4_000 * MB, calm),
  ).toBeUndefined();
  expect(suspectOf([worker(1, { unansweredMs: 2_000 })], 4_000 * MB, undefined)).toBeUndefined();
});

it('keeps the last calm while somebody is silent', () => {
  const later = baselineNow([worker(1, { unansweredMs: 700 })], 300 * MB, calm);
  expect(later).toBe(calm);
  expect(baselineNow([worker(1), worker(2)], 300 * MB, calm)?.rssBytes).toBe(300 * MB);
});

it('never names a worker that answers, whatever the figures', () => {
  const one = fc.record({
    worker: fc.integer({ min: 1, max: 5 }),
    heldBytes: fc.nat(2 ** 31),
    limitBytes: fc.nat(2 ** 31),
    unansweredMs: fc.nat(3_000),
  });
  fc.assert(
    fc.property(fc.uniqueArray(one, { selector: (held) => held.worker }), fc.nat(2 ** 32), (workers, rss) => {
      const found = suspectOf(workers, rss, calm);
      if (!found) return;
      const named = workers.find((held) => held.worker === found.worker)!;
      expect(named.unansweredMs).toBeGreaterThanOrEqual(1_000);
      expect(found.bytes).toBeGreaterThan(named.limitBytes);
    }),
  );
});
