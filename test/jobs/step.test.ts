import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causeOf } from '../../src/jobs/faults.ts';
import { settle } from '../../src/jobs/settle.ts';
import { BACKOFF_SPREAD } from '../../src/kernel/backoff.ts';

const backoff = { first: 1_000, longest: 60_000 };
const fault = { code: 'ERROR', message: 'prices is not iterable' };
const facts = (attempt: number, attempts: number) => ({
  job: 'job-1',
  attempt,
  attempts,
  startedAt: 0,
  finishedAt: 5_000,
});
const chance = () => fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the end of an attempt', () => {
  it('that is done ends the job with its result', () => {
    expect(settle(facts(1, 5), { is: 'done', result: '{"ok":1}' }, backoff, 0.5)).toMatchObject({
      state: 'done',
      result: '{"ok":1}',
    });
  });

  it('that failed is tried again within the bounds of the backoff, and never after the last attempt', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        chance(),
        (attempt, attempts, luck) => {
          const end = settle(facts(attempt, attempts), { is: 'failed', fault, retry: true }, backoff, luck);
          if (attempt >= attempts) {
            expect(end.state).toBe('dead');
            expect(end.inMs).toBeUndefined();
            return;
          }
          const plain = Math.min(60_000, 1_000 * 2 ** (attempt - 1));
          expect(end.state).toBe('retrying');
          expect(end.inMs!).toBeGreaterThanOrEqual(Math.floor(plain * (1 - BACKOFF_SPREAD)));
          expect(end.inMs!).toBeLessThanOrEqual(Math.ceil(plain * (1 + BACKOFF_SPREAD)));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('that gives up is dead at once, whatever attempts are left', () => {
    expect(settle(facts(1, 5), { is: 'failed', fault, retry: false }, backoff, 0.5)).toMatchObject({
      state: 'dead',
      error: fault,
    });
  });

  it('that asks for a later time gets exactly that', () => {
    expect(settle(facts(1, 5), { is: 'failed', fault, retry: 90_000 }, backoff, 0.9).inMs).toBe(90_000);
  });

  it('that was cancelled keeps the reason', () => {
    const why = { code: 'CANCELLED', message: 'by hand' };
    expect(settle(facts(3, 5), { is: 'cancelled', why }, backoff, 0)).toMatchObject({ state: 'cancelled', error: why });
  });
});

describe('the cause of a failure', () => {
  it('is the same for messages that differ in numbers, quotes and ids only', () => {
    const cause = causeOf({ code: 'E', message: 'GET "/a/1" took 312 ms, request 9f86d081884c7d65' });
    expect(causeOf({ code: 'E', message: 'GET "/b/2" took 8 ms, request 2c26b46b68ffc68f' })).toBe(cause);
    expect(cause).toMatch(/^f-[0-9a-z]{6}$/);
  });
  it('differs by code, place and words', () => {
    const base = { code: 'E', message: 'no', file: 'plugins/a.ts', line: 3 };
    const causes = [base, { ...base, code: 'F' }, { ...base, line: 4 }, { ...base, message: 'yes' }].map(causeOf);
    expect(new Set(causes).size).toBe(4);
  });
});
