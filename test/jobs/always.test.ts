import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Agent } from '../../src/jobs/agent.ts';
import { alwaysJob, STEADY_MS, startAgain } from '../../src/jobs/always.ts';
import { stepJob } from '../../src/jobs/job-state.ts';
import type { Job, Outcome } from '../../src/jobs/model.ts';
import { planPlacement } from '../../src/jobs/placement.ts';
import { settle, settleLost } from '../../src/jobs/settle.ts';

const backoff = { first: 1_000, longest: 60_000 };
const T0 = 1_000_000;
const failedAfter = (ms: number, retry: boolean | number = true, code = 'ERROR'): Outcome => {
  const times = { startedAt: T0, finishedAt: T0 + ms };
  return { job: 'job-1', attempt: 1, ...times, is: 'failed', fault: { code, message: 'it broke' }, retry };
};
const doneAfter = (ms: number): Outcome => {
  return { job: 'job-1', attempt: 1, startedAt: T0, finishedAt: T0 + ms, is: 'done', result: null };
};
/** Without chance: a half is the middle of ±25 %. */
const again = (outcome: Outcome, more: { shortRuns?: number; heldUntil?: number } = {}) => {
  const { end, run, shortRuns } = startAgain({ outcome, backoff, shortRuns: 0, chance: 0.5, ...more });
  return { retry: end.retry, code: end.fault.code, run, shortRuns };
};

describe('a run of an agent that runs always', () => {
  it.each<[string, ReturnType<typeof again>, ReturnType<typeof again>]>([
    ['throws at once', again(failedAfter(5)), { retry: 1_000, code: 'ERROR', run: 'failed', shortRuns: 1 }],
    [
      'throws at once, the fourth time',
      again(failedAfter(5), { shortRuns: 3 }),
      { retry: 8_000, code: 'ERROR', run: 'failed', shortRuns: 4 },
    ],
    [
      'throws at once, the hundredth time',
      again(failedAfter(5), { shortRuns: 99 }),
      { retry: 60_000, code: 'ERROR', run: 'failed', shortRuns: 100 },
    ],
    [
      'throws after it was steady',
      again(failedAfter(STEADY_MS), { shortRuns: 7 }),
      { retry: 1_000, code: 'ERROR', run: 'failed', shortRuns: 0 },
    ],
    ['returns', again(doneAfter(5)), { retry: 1_000, code: 'RUN_RETURNED', run: 'ended', shortRuns: 1 }],
    [
      'returns at once, over and over',
      again(doneAfter(5), { shortRuns: 9 }),
      { retry: 60_000, code: 'RUN_RETURNED', run: 'ended', shortRuns: 10 },
    ],
    [
      'asks for another time',
      again(failedAfter(5, 30_000, 'RETRY_LATER'), { shortRuns: 4 }),
      { retry: 30_000, code: 'RETRY_LATER', run: 'ended', shortRuns: 4 },
    ],
    [
      'waits for a server',
      again(failedAfter(5, true, 'ORIGIN_DOWN'), { heldUntil: T0 + 4_005 }),
      { retry: 4_000, code: 'ORIGIN_DOWN', run: 'ended', shortRuns: 0 },
    ],
    [
      'waits for a server that is back',
      again(failedAfter(5, true, 'ORIGIN_DOWN'), { heldUntil: T0 }),
      { retry: 0, code: 'ORIGIN_DOWN', run: 'ended', shortRuns: 0 },
    ],
    ['gives up', again(failedAfter(5, false)), { retry: 60_000, code: 'ERROR', run: 'failed', shortRuns: 1 }],
    [
      'fails of what no run can help',
      again(failedAfter(5, true, 'NOT_IN_NEEDS')),
      { retry: 60_000, code: 'NOT_IN_NEEDS', run: 'failed', shortRuns: 1 },
    ],
  ])('that %s', (_, found, expected) => expect(found).toEqual(expected));

  it('never ends its job, whatever its ends are: neither done nor dead, and no pause is beyond the longest', () => {
    const ends = fc.array(
      fc.record({
        ms: fc.nat(20_000),
        kind: fc.constantFrom('done', 'failed', 'hopeless', 'lost'),
        chance: fc.float({ min: 0, max: Math.fround(0.99), noNaN: true }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(ends, (all) => {
        let job: Pick<Job, 'attempt' | 'attempts'> = { attempt: 0, attempts: alwaysJob('a').attempts };
        let shortRuns = 0;
        for (const { ms, kind, chance } of all) {
          job = { ...job, attempt: job.attempt + 1 };
          const facts = { job: 'job-1', ...job, startedAt: T0, finishedAt: T0 + ms };
          const outcome = kind === 'done' ? doneAfter(ms) : failedAfter(ms, kind !== 'hopeless');
          const next = startAgain({ outcome, backoff, shortRuns, chance });
          shortRuns = next.shortRuns;
          const lost = { ...job, id: 'job-1', trigger: 'always', startedAt: T0 } as Job;
          const end = kind === 'lost' ? settleLost(lost, T0 + ms, chance) : settle(facts, next.end, backoff, chance);
          expect(end.state).toBe('retrying');
          expect(end.inMs).toBeLessThanOrEqual(backoff.longest * 1.25);
          expect(end.attempts).toBeGreaterThan(job.attempt);
          job = { ...job, attempts: end.attempts! };
        }
      }),
    );
  });

  it('is held by one host at a time: no other claims its job before its lease is over or its end is written', () => {
    const owner = { host: 'a', run: '1' };
    const terms = { attempt: 1, attempts: 2, allowed: 1, staleAt: null };
    const running = { ...terms, is: 'running' as const, owner, leaseUntil: T0 + 30_000, runAt: T0 };
    const other = { host: 'b', run: '1' };
    expect(stepJob(running, { is: 'claimed', now: T0 + 60_000, owner: other, leaseUntil: T0 + 90_000 })).toBe(
      'refused',
    );
    const lost = (now: number) => stepJob(running, { is: 'lost', attempt: 1, owner: other, now, again: now });
    expect(lost(T0 + 29_999)).toBe('refused');
    expect(lost(T0 + 30_001)).toMatchObject({ is: 'retrying' });
  });
});

describe('the workers of an agent that runs always', () => {
  const agent = {
    name: 'a',
    version: { id: 'v' },
    workers: { min: 0, max: 1 },
    needs: {},
    isolation: 'own',
    always: true,
  };
  const plan = (more: object, always = true) =>
    planPlacement({ agent: { ...agent, ...(always ? {} : { always: undefined }) } as unknown as Agent, ...more })
      .workers;
  const quarantine = { since: 0, incident: 'inc-1', probes: 0, nextProbeAt: 0, allowance: 1 };
  it.each([
    ['that nothing holds', {}, 1, 1],
    ['that is paused: its run is stopped, a job is let finish', { pause: { since: 0, until: null } }, 0, 1],
    ['in safe mode', { safeMode: { since: 0, reason: 'r' } }, 0, 0],
    ['that lacks a secret', { lacks: { since: 0, fault: { code: 'SECRET_MISSING', message: 'm' } } }, 0, 0],
    ['in quarantine: its next run is the probe', { quarantine }, 1, 1],
    ['while memory is short: it runs on', { pressureSince: 0 }, 1, 1],
  ])('%s', (_, facts, always, other) => {
    expect(plan(facts).max).toBe(always);
    expect(plan(facts, false).max).toBe(other);
  });
});
