import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type KeyLimit, limitKeyOf, nextStartOfKey, roomOfKey } from '../../src/kernel/key-limit.ts';

const limits = fc.record(
  {
    concurrency: fc.integer({ min: 1, max: 5 }),
    rate: fc.record({ starts: fc.integer({ min: 1, max: 5 }), perMs: fc.integer({ min: 1, max: 100 }) }),
  },
  { requiredKeys: [] },
);

it('never more than the limit run at a time or begin within its time, and a job begins as soon as it may', () => {
  const waits = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(limits, waits, (limit: KeyLimit, steps) => {
      const starts: number[] = [];
      let [now, running] = [0, 0];
      for (const [ms, ends] of steps) {
        now += ms;
        if (ends && running > 0) running -= 1;
        const use = { running, starts };
        const next = nextStartOfKey(limit, use, now);
        const isFree = limit.concurrency === undefined || running < limit.concurrency;
        expect(roomOfKey(limit, use, now) > 0).toBe(isFree && next === null);
        // Not one moment before, and at that moment.
        if (next !== null) {
          expect(nextStartOfKey(limit, use, next - 1)).not.toBeNull();
          expect(nextStartOfKey(limit, use, next)).toBeNull();
        }
        if (roomOfKey(limit, use, now) === 0) continue;
        running += 1;
        starts.push(now);
        expect(running).toBeLessThanOrEqual(limit.concurrency ?? Number.POSITIVE_INFINITY);
        const { rate } = limit;
        if (rate) expect(starts.filter((at) => at > now - rate.perMs).length).toBeLessThanOrEqual(rate.starts);
      }
    }),
  );
});

it('values that differ have other keys, and inputs without the value have one', () => {
  const limit = { key: 'account.id', concurrency: 1 };
  const keyOf = (input: unknown) => limitKeyOf(limit, input === undefined ? null : JSON.stringify(input));
  expect(keyOf({ account: { id: 1 } })).not.toBe(keyOf({ account: { id: '1' } }));
  expect(new Set([undefined, {}, 5, { account: null }].map(keyOf)).size).toBe(1);
  expect(limitKeyOf({ concurrency: 1 }, '{"account":{"id":1}}')).toBe(limitKeyOf({ concurrency: 1 }, null));
});
