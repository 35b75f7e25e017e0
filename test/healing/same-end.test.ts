import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, quiet, type World, world } from './world.ts';

let at: World;

beforeEach(async () => {
  at = await world();
});
afterEach(() => at.healer.stop());

const timedOut = { error: { code: 'TIMEOUT', message: 'it ran for longer than 1 s' } };

describe('the end of a worker and the failure of its attempt', () => {
  it('are one incident that comes once, however long the store takes to write the failure down', async () => {
    at.end('a', 'TIMEOUT', { worker: 'w1', job: { job: 'job-1', attempt: 1 } });
    await at.clock.pass(30 * MINUTE);
    at.settle('a', 'retrying', { ...timedOut, job: 'job-1', attempt: 1, worker: 'w1' });
    await quiet();
    expect(at.incidentStore.kept.size).toBe(1);
    expect(at.incident()).toMatchObject({ verdict: 'stuck', repeats: 0, jobs: ['job-1'] });
    expect(at.incident().timeline.at(-1)!.text).toBe('job-1 is tried again');
  });

  it('are joined by job and attempt: the failure of another attempt at the same moment is a signal of its own', async () => {
    at.end('a', 'TIMEOUT', { worker: 'w1', job: { job: 'job-1', attempt: 1 } });
    await quiet();
    at.settle('a', 'retrying', { ...timedOut, job: 'job-2', attempt: 1, worker: 'w2' });
    await quiet();
    expect(at.incident()).toMatchObject({ repeats: 1, jobs: ['job-1', 'job-2'] });
    at.settle('a', 'retrying', { ...timedOut, job: 'job-1', attempt: 1, worker: 'w1' });
    await quiet();
    expect(at.incident().repeats).toBe(1);
    at.settle('a', 'retrying', { ...timedOut, job: 'job-1', attempt: 2, worker: 'w3' });
    await quiet();
    expect(at.incident().repeats).toBe(2);
  });

  it('are joined for each attempt that failed with the worker', async () => {
    const failed = [1, 2].map((n) => ({ job: `job-${n}`, attempt: 1 }));
    at.end('a', 'CELL_LOST', { worker: 'w1', job: failed[1]!, failed });
    const error = { code: 'CELL_LOST', message: 'its cell was lost' };
    for (const ref of failed) at.settle('a', 'retrying', { ...ref, error, worker: 'w1' });
    await quiet();
    expect(at.incident()).toMatchObject({ verdict: 'cell-lost', repeats: 0, jobs: ['job-2', 'job-1'] });
    expect(at.incidentStore.kept.size).toBe(1);
  });

  it('belong to the incident of a rollback that the end of the worker caused, and are no second one', async () => {
    const because = { code: 'BAD_VERSION', message: 'version 1 crashed' };
    const seen = { agent: 'a', verdict: 'bad-version' as const, because, seen: because.message, worker: 'w1' };
    at.healer.report(seen, 'rolled back to 0');
    at.end('a', 'CRASHED', { worker: 'w1', job: { job: 'job-1', attempt: 1 } });
    await at.clock.pass(5 * MINUTE);
    at.settle('a', 'retrying', {
      ...{ job: 'job-1', attempt: 1, worker: 'w1' },
      error: { code: 'CRASHED', message: 'boom' },
    });
    await quiet();
    expect(at.incidentStore.kept.size).toBe(1);
    expect(at.incident()).toMatchObject({ verdict: 'bad-version', repeats: 0, jobs: ['job-1'] });
  });
});
