import { afterEach, beforeEach } from 'vitest';
import type { Assignment, NewJob } from '../../../src/jobs/model.ts';
import type { Settlement } from '../../../src/jobs/ports.ts';
import type { StorePorts } from '../../../src/store/sqlite/ports.ts';

export type OpenStore = () => Promise<{ store: StorePorts; close: () => Promise<void> }>;

/** A Tuesday noon; every law counts from it. */
export const T0 = Date.UTC(2026, 10, 24, 12);
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

/** Opens a new store before each test and closes it after; the getter gives the one of the running test. */
export function freshStore(open: OpenStore): () => StorePorts {
  let opened: Awaited<ReturnType<OpenStore>> | undefined;
  beforeEach(async () => {
    opened = undefined;
    opened = await open();
  });
  afterEach(() => opened?.close());
  return () => opened!.store;
}

export function job(more: Partial<NewJob> = {}): NewJob {
  return { agent: 'a', trigger: 'manual', input: null, attempts: 3, ...more };
}

/** Adds jobs and gives their ids. */
export async function added(store: StorePorts, jobs: Partial<NewJob>[], now = T0): Promise<string[]> {
  return (await store.add(jobs.map(job), now)).map(({ id }) => id);
}

/** Claims up to `limit` jobs of one agent. */
export async function claimed(store: StorePorts, limit = 100, now = T0, agent = 'a'): Promise<Assignment[]> {
  const [answer] = await store.claim([{ agent, version: 'v1', limit }], {
    owner: 'host',
    leaseUntil: now + MINUTE,
    now,
  });
  return answer!.assignments;
}

export function done(taken: Pick<Assignment, 'job' | 'attempt'>, more: Partial<Settlement> = {}): Settlement {
  const { job, attempt } = taken;
  return { job, attempt, state: 'done', startedAt: T0, finishedAt: T0 + 5, result: '"ok"', ...more };
}

export function failed(taken: Pick<Assignment, 'job' | 'attempt'>, more: Partial<Settlement> = {}): Settlement {
  const { job, attempt } = taken;
  const error = { code: 'ERROR', message: 'it broke' };
  return {
    job,
    attempt,
    state: 'dead',
    startedAt: T0,
    finishedAt: T0 + 7,
    error,
    cause: 'f-broken',
    worker: 'w1',
    ...more,
  };
}
