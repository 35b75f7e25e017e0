import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Outcome } from '../../src/jobs/model.ts';
import { boundedEnd, settle } from '../../src/jobs/settle.ts';
import { isInstant } from '../../src/kernel/instant.ts';
import { anyValue } from '../kernel/extremes.ts';

const NOW = Date.UTC(2026, 10, 27);
const end = (values: object): Outcome =>
  ({
    job: 'job-1',
    attempt: 1,
    is: 'failed',
    fault: { code: 'X', message: 'x' },
    retry: true,
    startedAt: NOW,
    finishedAt: NOW + 5,
    ...values,
  }) as Outcome;

it('rounds the times of a clock that counts fractions', () => {
  expect(boundedEnd(end({ startedAt: NOW + 0.25, finishedAt: NOW + 9.75 }), NOW)).toMatchObject({
    startedAt: NOW,
    finishedAt: NOW + 9,
  });
});

it('leaves what is right as it is', () =>
  expect(boundedEnd(end({ retry: 60_000 }), NOW)).toEqual(end({ retry: 60_000 })));

it('lets no attempt end before it began', () => {
  expect(boundedEnd(end({ startedAt: NOW + 5, finishedAt: NOW }), NOW)).toMatchObject({
    startedAt: NOW + 5,
    finishedAt: NOW + 5,
  });
  const same = end({ finishedAt: NOW });
  expect(boundedEnd(same, NOW)).toBe(same);
});

it('leaves a pause that is out of its bounds to the backoff', () =>
  expect(boundedEnd(end({ retry: 1e15 }), NOW)).toEqual(end({ retry: true })));

it('gives every end times that can be stored, whatever its worker says', () => {
  fc.assert(
    fc.property(
      anyValue,
      anyValue,
      anyValue,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (startedAt, finishedAt, retry, chance) => {
        const bounded = boundedEnd(
          end({ startedAt, finishedAt, ...(typeof retry === 'number' ? { retry } : {}) }),
          NOW,
        );
        const written = settle({ ...bounded, attempts: 3 }, bounded, { first: 1_000, longest: 300_000 }, chance);
        for (const at of [written.startedAt, written.finishedAt]) expect(isInstant(at)).toBe(true);
        if (written.state === 'retrying') expect(isInstant(Math.round(written.finishedAt + written.inMs!))).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});
