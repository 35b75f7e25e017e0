import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Agent } from '../../src/jobs/agent.ts';
import { createJobs, type Jobs } from '../../src/jobs/jobs.ts';
import type { Assignment, NewJob, Outcome } from '../../src/jobs/model.ts';
import type { Hold } from '../../src/jobs/placement.ts';
import type { AttemptRef } from '../../src/jobs/ports.ts';
import type { WorkerPort } from '../../src/jobs/worker-port.ts';
import type { PlainFault } from '../../src/kernel/fault.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import type { Store } from '../../src/store/ports.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';

/** Workers that do what the test says, on the real store. */
interface Stage {
  store: Store;
  jobs: Jobs;
  given: Assignment[];
  aborted: AttemptRef[];
  /** Resolves once so many attempts were handed over in all. */
  givenOf(count: number): Promise<Assignment[]>;
  end(assignment: Assignment, how: { done: string } | { fail: string; retry?: boolean | number; code?: string }): void;
  paused: Set<string>;
  /** The agents that may have only so many attempts under way. */
  allowances: Map<string, number>;
  capacity: { left: number };
}

let folder: string;
let stage: Stage;
const open: { stop(): Promise<void> }[] = [];
const agents = new Map<string, Agent>();

const agent = (name: string, attempts = 5): Agent => ({
  name,
  about: '',
  version: { plugin: name, id: 'v1', file: '', mapFile: '' },
  on: [],
  firstRun: false,
  settings: {},
  limits: {
    memoryBytes: 1,
    timeoutMs: 1_000,
    silenceMs: 1_000,
    graceMs: 10,
    attempts,
    backoff: { first: 5, longest: 10 },
  },
  needs: { secrets: [], env: [], net: [], read: [], write: [], exec: [], modules: [], fleet: false, llm: false },
  workers: { min: 0, max: 1 },
  isolation: 'shared',
  fingerprint: 'f1',
});
const job = (name: string, more: Partial<NewJob> = {}): NewJob => ({
  agent: name,
  trigger: 'manual',
  input: null,
  attempts: 5,
  ...more,
});

async function build(run: string, capacityLeft = 10): Promise<Stage> {
  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file: join(folder, 'daruma.db') });
  await store.start();
  const given: Assignment[] = [];
  const aborted: AttemptRef[] = [];
  const paused = new Set<string>();
  const holdOf = (name: string): Hold | null => {
    const allowance = paused.has(name) ? 0 : allowances.get(name);
    const facts = { since: 0, until: null, reason: 'a test', next: '' };
    return allowance === undefined ? null : { ...facts, by: 'quarantine', allowance };
  };
  const allowances = new Map<string, number>();
  const capacity = { left: capacityLeft };
  const waiting: { count: number; resolve(list: Assignment[]): void }[] = [];
  const workers: WorkerPort = {
    capacity: () => capacity.left,
    dispatch(_, list) {
      capacity.left -= list.length;
      given.push(...list);
      for (const one of waiting) if (given.length >= one.count) one.resolve(given);
    },
    abort: (ref: AttemptRef, _why: PlainFault) => void aborted.push(ref),
  };
  const jobs = createJobs(
    {
      time: machineTime,
      log: silentLog,
      store,
      workers,
      agent: (name) => agents.get(name),
      holdOf,
      heldUp: ({ attempt }, _, { code }) =>
        code === 'ORIGIN_DOWN' ? { until: Date.now() + attempt, waitsFor: 'https://api.example' } : undefined,
    },
    { owner: { host: 'host', run } },
  );
  open.push(jobs, store);
  return {
    store,
    jobs,
    given,
    aborted,
    paused,
    allowances,
    capacity,
    givenOf: (count) =>
      new Promise((resolve) => (given.length >= count ? resolve(given) : waiting.push({ count, resolve }))),
    end({ job, attempt, agent: name }, how) {
      const base = { job, attempt, startedAt: Date.now(), finishedAt: Date.now() };
      const outcome: Outcome =
        'done' in how
          ? { ...base, is: 'done', result: how.done }
          : {
              ...base,
              is: 'failed',
              fault: { code: how.code ?? 'ERROR', message: how.fail },
              retry: how.retry ?? true,
            };
      capacity.left++;
      jobs.ended([{ worker: 'w1', outcome }]);
      jobs.capacityChanged(name);
    },
  };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-jobs-'));
  agents.clear();
  agents.set('a', agent('a'));
  agents.set('b', agent('b'));
  stage = await build('run-1');
  await stage.jobs.start();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('hands a job to a worker and keeps its result', async () => {
  const [added] = await stage.jobs.add([job('a', { input: '{"n":1}' })]);
  const [given] = await stage.givenOf(1);
  expect(given).toMatchObject({ job: added!.id, attempt: 1, input: '{"n":1}' });
  stage.end(given!, { done: '42' });
  expect(await stage.jobs.finished(added!.id)).toMatchObject({ state: 'done', result: '42', attempt: 1 });
});

it('of agents that are due together those that matter most begin first', async () => {
  agents.set('a', { ...agent('a'), class: 'background' }).set('b', agent('b'));
  agents.set('c', { ...agent('c'), class: 'critical' });
  await stage.jobs.add([job('a'), job('b'), job('c')]);
  const given = await stage.givenOf(3);
  expect(given.map((one) => one.agent)).toEqual(['c', 'b', 'a']);
});

it('tries a failed job again until it is done, each time under a new attempt', async () => {
  const [added] = await stage.jobs.add([job('a')]);
  for (let attempt = 1; attempt <= 3; attempt++) {
    const list = await stage.givenOf(attempt);
    expect(list.at(-1)).toMatchObject({ job: added!.id, attempt });
    stage.end(list.at(-1)!, attempt < 3 ? { fail: 'no' } : { done: 'null' });
  }
  const ended = await stage.jobs.finished(added!.id);
  expect(ended).toMatchObject({ state: 'done', attempt: 3 });
  expect((await stage.store.get(added!.id))!.failures).toHaveLength(2);
});

it('keeps a job that gave up, or used up its attempts, as a dead letter, and runs it again when asked to', async () => {
  const added = await stage.jobs.add([job('a', { attempts: 1 }), job('a')]);
  const [first, second] = await stage.givenOf(2);
  stage.end(first!, { fail: 'worn out' });
  stage.end(second!, { fail: 'never', retry: false });
  for (const { id } of added) expect((await stage.jobs.finished(id)).state).toBe('dead');
  expect(await stage.jobs.redrive(added.map(({ id }) => id))).toHaveLength(2);
  const list = await stage.givenOf(4);
  expect(list.slice(2).map(({ attempt }) => attempt)).toEqual([2, 2]);
});

it('a job that is held up waits as often as it has to, and has all its attempts when it is not any more', async () => {
  const [added] = await stage.jobs.add([job('a', { attempts: 2 })]);
  const down = { fail: 'https://api.example is down', code: 'ORIGIN_DOWN' };
  for (let attempt = 1; attempt <= 4; attempt++) stage.end((await stage.givenOf(attempt)).at(-1)!, down);
  const fifth = (await stage.givenOf(5)).at(-1)!;
  expect(fifth).toMatchObject({ job: added!.id, attempt: 5, attempts: 6 });
  expect(await stage.store.get(added!.id)).toMatchObject({ failures: [], error: { code: 'ORIGIN_DOWN' } });
  stage.end(fifth, { fail: 'its own mistake' });
  stage.end((await stage.givenOf(6)).at(-1)!, { fail: 'its own mistake' });
  const ended = await stage.jobs.finished(added!.id);
  expect(ended).toMatchObject({ state: 'dead', attempt: 6, attempts: 6, error: { message: 'its own mistake' } });
  expect((await stage.store.get(added!.id))!.failures.map(({ attempt }) => attempt)).toEqual([5, 6]);
});

it('what the plugin decides is not overruled: it gave up, or knows when to come back', async () => {
  const added = await stage.jobs.add([job('a'), job('a')]);
  const [first, second] = await stage.givenOf(2);
  stage.end(first!, { fail: 'down', code: 'ORIGIN_DOWN', retry: false });
  stage.end(second!, { fail: 'down', code: 'ORIGIN_DOWN', retry: 60_000 });
  expect((await stage.jobs.finished(added[0]!.id)).state).toBe('dead');
  await stage.jobs.stop();
  expect(await stage.store.get(added[1]!.id)).toMatchObject({
    state: 'retrying',
    attempts: 6,
    error: { data: { waits: 1 } },
  });
});

it('never takes more than the workers have room for', async () => {
  stage.capacity.left = 3;
  await stage.jobs.add(Array.from({ length: 10 }, () => job('a')));
  await stage.givenOf(3);
  expect(await stage.store.list({ states: ['queued'], limit: 100 })).toHaveLength(7);
  for (let index = 0; index < 10; index++) stage.end((await stage.givenOf(index + 1))[index]!, { done: 'null' });
  expect(new Set(stage.given.map((one) => one.job)).size).toBe(10);
});

it('starts nothing of a paused agent, and all of it when it goes on', async () => {
  stage.paused.add('a');
  await stage.jobs.add([job('a'), job('b')]);
  await stage.givenOf(1);
  expect(stage.given.map((one) => one.agent)).toEqual(['b']);
  stage.paused.delete('a');
  stage.jobs.wake('a');
  expect((await stage.givenOf(2))[1]!.agent).toBe('a');
});

it('has no more attempts of an agent under way than are allowed, however often it looks', async () => {
  stage.allowances.set('a', 0);
  await stage.jobs.add([job('a'), job('a'), job('a'), job('b')]);
  expect((await stage.givenOf(1))[0]!.agent).toBe('b');
  stage.allowances.set('a', 1);
  for (let look = 0; look < 3; look++) stage.jobs.wake('a');
  const [, probe] = await stage.givenOf(2);
  stage.jobs.wake('a');
  await stage.store.waiting();
  expect(stage.given).toHaveLength(2);
  stage.end(probe!, { done: 'null' });
  await stage.jobs.finished(probe!.job);
  stage.allowances.delete('a');
  stage.jobs.wake('a');
  await stage.givenOf(4);
});

it('refuses the end of a cancelled attempt and aborts its work', async () => {
  const [added] = await stage.jobs.add([job('a')]);
  const [given] = await stage.givenOf(1);
  await stage.jobs.cancel(added!.id, { code: 'CANCELLED', message: 'by hand' });
  expect(stage.aborted).toEqual([{ job: added!.id, attempt: 1 }]);
  stage.end(given!, { done: '1' });
  await stage.jobs.stop();
  expect(await stage.store.get(added!.id)).toMatchObject({ state: 'cancelled', result: null });
});

it('gives attempts back that never started or were stopped with the host, at no cost', async () => {
  const [added] = await stage.jobs.add([job('a')]);
  const [first] = await stage.givenOf(1);
  stage.capacity.left++;
  stage.jobs.released([{ job: first!.job, attempt: 1 }]);
  const again = (await stage.givenOf(2))[1]!;
  expect(again).toMatchObject({ job: added!.id, attempt: 1 });
  stage.end(again, { fail: 'stopped', code: 'HOST_STOPPED' });
  expect((await stage.givenOf(3))[2]).toMatchObject({ job: added!.id, attempt: 1 });
});

it('tries an attempt again at once that another job took down, and counts it nowhere', async () => {
  const [added] = await stage.jobs.add([job('a', { attempts: 1 })]);
  const [first] = await stage.givenOf(1);
  const at = { job: first!.job, attempt: 1, startedAt: Date.now(), finishedAt: Date.now() };
  const fault = { code: 'NEIGHBOUR_FAILED', message: 'its worker ended of job b' };
  stage.capacity.left++;
  stage.jobs.ended([{ worker: 'w1', outcome: { ...at, is: 'failed', fault, retry: 0, isFree: true } }]);
  const [, again] = await stage.givenOf(2);
  expect(again).toMatchObject({ job: added!.id, attempt: 2, attempts: 2 });
  const detail = (await stage.store.get(added!.id))!;
  expect(detail).toMatchObject({ state: 'running', failures: [], error: { code: 'NEIGHBOUR_FAILED' } });
});

it('takes over what an earlier run of the host left running, and counts that attempt', async () => {
  const [added] = await stage.jobs.add([job('a')]);
  await stage.givenOf(1);
  // The first run is gone without a word: its store is closed under it, nothing is settled.
  for (const one of open.splice(0).reverse()) await one.stop();
  stage = await build('run-2');
  await stage.jobs.start();
  const [given] = await stage.givenOf(1);
  expect(given).toMatchObject({ job: added!.id, attempt: 2 });
  expect((await stage.store.get(added!.id))!.failures[0]!.fault.code).toBe('HOST_LOST');
});

it('does not run a job for ever that takes its host down each time', async () => {
  await stage.jobs.add([job('a', { attempts: 2 })]);
  for (let life = 2; life <= 3; life++) {
    await stage.givenOf(1);
    for (const one of open.splice(0).reverse()) await one.stop();
    stage = await build(`run-${life}`);
    await stage.jobs.start();
  }
  expect(await stage.store.list({ states: ['dead'], limit: 10 })).toMatchObject([
    { attempt: 2, error: { code: 'HOST_LOST' } },
  ]);
});

it('gives an attempt back as soon as the store takes it again, when it refused that at first', async () => {
  const [added] = await stage.jobs.add([job('a')]);
  const [given] = await stage.givenOf(1);
  const other = new DatabaseSync(join(folder, 'daruma.db'));
  other.exec('BEGIN IMMEDIATE');
  stage.capacity.left++;
  stage.jobs.released([{ job: given!.job, attempt: given!.attempt }]);
  // A call behind it is refused only when that one has been refused, too.
  await expect(stage.store.setState('a', 'k', '1')).rejects.toMatchObject({ plain: { code: 'STORE_BUSY' } });
  other.exec('ROLLBACK');
  other.close();
  expect((await stage.givenOf(2))[1]).toMatchObject({ job: added!.id, attempt: 1 });
});
