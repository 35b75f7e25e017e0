import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createWorkTimeMeter } from '../../src/workers/work-time.ts';

it('a worker that does jobs side by side is at work by the share of those that it has', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 1_000 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), steps, (concurrency, list) => {
      let now = 0;
      const meter = createWorkTimeMeter({ monotonic: () => now }, concurrency);
      let [readyMs, busyMs] = [0, 0];
      for (const [held, ms] of list) {
        now += ms;
        readyMs += ms;
        busyMs += (ms * Math.min(held, concurrency)) / concurrency;
        const state = held === 0 ? ({ is: 'idle', since: 0 } as const) : ({ is: 'busy', held } as const);
        const time = meter.until(state);
        expect(time.readyMs).toBe(readyMs);
        expect(time.busyMs).toBeCloseTo(busyMs, 6);
        expect(time.busyMs).toBeLessThanOrEqual(time.readyMs + 1e-6);
      }
    }),
  );
});
