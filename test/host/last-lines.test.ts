import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLastLines, withoutLines } from '../../src/host/last-lines.ts';
import type { Outcome } from '../../src/jobs/model.ts';

const outcome = (job: string, is: 'done' | 'failed', data?: Record<string, unknown>) =>
  ({
    job,
    attempt: 1,
    is,
    ...(is === 'failed' && { fault: { code: 'E', message: 'no', ...(data && { data }) } }),
  }) as unknown as Outcome;
const line = (job: string, message: string) => ({
  ...{ at: 7, level: 'info' as const, agent: 'a', job, worker: 'w1', message, data: null },
});
const faultOf = (one: Outcome) => (one as Extract<Outcome, { is: 'failed' }>).fault;

it('the newest lines of a job that failed are kept with its fault, within their bounds, and come out of it again', () => {
  const data = fc.option(fc.dictionary(fc.constantFrom('at', 'url'), fc.nat()), { nil: undefined });
  fc.assert(
    fc.property(fc.array(fc.nat(2_000), { maxLength: 60 }), data, (lengths, own) => {
      const last = createLastLines();
      const messages = lengths.map((length, index) => `${index} ${'x'.repeat(length)}`);
      for (const message of messages) last.add([line('job-1', message), line('job-2', 'of another')]);
      const { fault, lines } = withoutLines(faultOf(last.keep(outcome('job-1', 'failed', own))));
      const { data: left = {}, ...rest } = fault;
      expect([rest, left]).toEqual([{ code: 'E', message: 'no' }, own ?? {}]);
      const kept = lines.map(({ message }) => Number.parseInt(message, 10));
      expect(kept).toEqual(messages.map((_, index) => index).slice(messages.length - kept.length));
      expect(kept.length).toBeLessThanOrEqual(20);
      expect(lines.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThanOrEqual(4_000);
      if (lengths.length > 0) expect(kept.length).toBeGreaterThan(0);
    }),
  );
});

it('a job that is done keeps none, and a job is forgotten with its end', () => {
  const last = createLastLines();
  last.add([line('job-1', 'one'), line('', 'of no job')]);
  const done = outcome('job-1', 'done');
  expect(last.keep(done)).toBe(done);
  const failed = outcome('job-1', 'failed');
  expect(last.keep(failed)).toBe(failed);
});
