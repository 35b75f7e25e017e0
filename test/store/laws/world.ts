import { afterEach, beforeEach } from 'vitest';
import type { Assignment, NewJob } from '../../../src/jobs/model.ts';
import type { Owner, Settlement } from '../../../src/jobs/ports.ts';
import type { StorePorts } from '../../../src/store/ports.ts';

/** The clock of a store under test: it shows what the test says, and is nobody else's. */
export interface TestClock {
  now: number;
}

/** A new, empty and started store, as two hosts see it. */
export interface OpenedStore {
  store: StorePorts;
  /** The same store as another host sees it; an engine for one host gives `store` again. */
  other: StorePorts;
  clock: TestClock;
  close(): Promise<void>;
}

export type OpenStore = () => Promise<OpenedStore>;

/** A run of a host that claims. */
export const HOST: Owner = { host: 'host', run: 'run 1' };
/** Where a claim says nothing else. */
export const LEASE = { owner: HOST, leaseMs: 60_000 };

/** A Tuesday noon; every law counts from it. */
export const T0 = Date.UTC(2026, 10, 24, 12);
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

const clocks = new WeakMap<StorePorts, TestClock>();

/** Opens a new store before each test and closes it after; the getters give that of the running test. Its clock begins at T0. */
export function freshStore(open: OpenStore) {
  let opened: OpenedStore | undefined;
  beforeEach(async () => {
    opened = undefined;
    opened = await open();
    opened.clock.now = T0;
    for (const store of [opened.store, opened.other]) clocks.set(store, opened.clock);
  });
  afterEach(() => opened?.close());
  return {
    store: () => opened!.store,
    other: () => opened!.other,
    at: (now: number) => storeAt(opened!.store, now),
  };
}

/** The store when its clock shows `now`; one that no law opened keeps its own time. */
function storeAt(store: StorePorts, now: number): StorePorts {
  const clock = clocks.get(store);
  if (clock) clock.now = now;
  return store;
}

export function job(more: Partial<NewJob> = {}): NewJob {
  return { agent: 'a', trigger: 'manual', input: null, attempts: 3, ...more };
}

/** Adds jobs and gives their ids. */
export async function added(store: StorePorts, jobs: Partial<NewJob>[], now = T0): Promise<string[]> {
  return (await storeAt(store, now).add(jobs.map(job))).map(({ id }) => id);
}

/** Claims up to `limit` jobs of one agent. */
export async function claimed(store: StorePorts, limit = 100, now = T0, agent = 'a'): Promise<Assignment[]> {
  const [answer] = await storeAt(store, now).claim([{ agent, version: 'v1', limit }], LEASE);
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
