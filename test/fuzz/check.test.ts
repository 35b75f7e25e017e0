import { expect, test } from 'vitest';
import { type Broken, checkAlways, checkAtRest, endOf, type Facts, repeatedRuns } from '../../scripts/fuzz/check.ts';
import { seeded } from '../../scripts/fuzz/random.ts';
import type { Job } from '../../src/jobs/model.ts';
import type { Slot } from '../../src/schedule/ports.ts';

const T0 = Date.UTC(2026, 0, 1);

function job(id: string, agent: string, more: Partial<Job> = {}): Job {
  return {
    id,
    agent,
    version: 'v',
    state: 'done',
    trigger: 'manual',
    slot: null,
    key: `order-${id}`,
    priority: 0,
    attempt: 1,
    attempts: 8,
    queuedAt: T0,
    runAt: T0,
    staleAt: null,
    startedAt: T0,
    finishedAt: T0 + 5,
    input: '{}',
    result: null,
    summary: null,
    error: null,
    cause: null,
    parent: null,
    depth: 0,
    ...more,
  };
}

const tick = (id: string, second: number) =>
  job(id, 'tick', { key: null, trigger: 'schedule', slot: T0 + second * 1_000 });
const slot = (second: number, of: string | null, state: Slot['state'] = 'ran'): Slot => ({
  agent: 'tick',
  due: T0 + second * 1_000,
  state,
  reason: null,
  job: of,
  plannedAt: T0,
  decidedAt: T0,
});

/** A little history in which every promise is kept. */
function good(): Facts {
  const jobs = [
    job('q', 'quick'),
    job('e', 'effect', { input: '{"ifUnknown":"fail"}' }),
    job('s', 'sender'),
    job('k', 'sink', { key: 's', trigger: 'send' }),
    job('c1', 'counter', { result: '1' }),
    job('c2', 'counter', { result: '2' }),
    job('b', 'broken', { state: 'dead', attempt: 2, attempts: 2, error: { code: 'ERROR', message: 'broken' } }),
    tick('t0', 0),
    tick('t1', 1),
  ];
  return {
    jobs,
    accepted: new Map(['q', 'e', 's'].map((id) => [`order-${id}`, { agent: 'x', id }])),
    slots: [slot(0, 't0'), slot(1, 't1'), slot(2, null, 'skipped'), slot(90, null, 'planned')],
    runs: [
      ...jobs.map(({ id, agent, attempt }) => ({ agent, job: id, attempt, at: T0 })),
      { agent: 'broken', job: 'b', attempt: 1, at: T0 },
    ],
    effects: [
      { job: 'e', key: 'first', ifUnknown: 'fail' },
      { job: 'e', key: 'second', ifUnknown: 'fail' },
    ],
    endedBefore: new Map([['q', endOf(jobs[0]!)!]]),
    now: T0 + 60_000,
  };
}

function told(change: (facts: Facts & { jobs: Job[] }) => void): string[] {
  const facts = good();
  change(facts);
  return Object.keys(kept(checkAtRest(facts)));
}

const kept = (broken: Broken) => Object.fromEntries(Object.entries(broken).filter(([, found]) => found.length > 0));
const named = (facts: Facts, id: string) => facts.jobs.find((one) => one.id === id)!;

test('a history in which every promise is kept is not complained about', () => {
  expect(kept(checkAtRest(good()))).toEqual({});
  expect(kept(checkAlways(good()))).toEqual({});
});

test.each<[string, (facts: Facts) => void]>([
  ['accepted, and not in the store', (facts) => void facts.jobs.splice(2, 1)],
  ['two jobs for one key', (facts) => void facts.jobs.push(job('k2', 'sink', { key: 's' }))],
  ['ended, and changed after it', (facts) => void Object.assign(named(facts, 'q'), { attempt: 2 })],
  ['more attempts than allowed', (facts) => void Object.assign(named(facts, 'b'), { attempt: 3 })],
  ['one attempt run twice', (facts) => void facts.runs.push({ ...facts.runs[0]! })],
  ['a run of no accepted job', (facts) => void facts.runs.push({ ...facts.runs[0]!, job: 'nobody' })],
  ['an effect repeated without being told', (facts) => void facts.effects.push({ ...facts.effects[0]! })],
  ['stuck: it never ended', (facts) => void Object.assign(named(facts, 'c1'), { state: 'retrying' })],
  ['ended otherwise than its plugin says', (facts) => void Object.assign(named(facts, 'c1'), { state: 'cancelled' })],
  ['done, and its last attempt never ran', (facts) => void facts.runs.shift()],
  ['done, and its effect was not performed', (facts) => void facts.effects.shift()],
  ['done, and what it sent is not there', (facts) => void Object.assign(named(facts, 'k'), { key: 'of another' })],
  ['a state that was lost', (facts) => void Object.assign(named(facts, 'c2'), { result: '1' })],
  ['a hole between slots', (facts) => void facts.slots.splice(1, 1)],
  ['a slot without an end', (facts) => void Object.assign(facts.slots[2]!, { state: 'planned' })],
  ['two jobs for one slot', (facts) => void facts.jobs.push(tick('t2', 1))],
  ['a job that no slot knows', (facts) => void facts.jobs.push(tick('t2', 7))],
])('%s: that is told', (promise, change) => expect(told(change)).toContain(promise));

test('what a killed host or cell explains is no broken promise, and an effect may be repeated where its author said so', () => {
  const changes = told((facts) => {
    Object.assign(named(facts, 'c1'), { state: 'dead', error: { code: 'HOST_LOST', message: '' } });
    facts.effects.push(
      { job: 'e', key: 'third', ifUnknown: 'repeat' },
      { job: 'e', key: 'third', ifUnknown: 'repeat' },
    );
  });
  expect(changes).toEqual([]);
});

test('runs beyond the first are counted, but not those that a plugin asked for by failing', () => {
  const run = (agent: string, of: string, attempt: number) => ({ agent, job: of, attempt, at: T0 });
  expect(repeatedRuns([run('quick', 'q', 1), run('quick', 'q', 2), run('broken', 'b', 1), run('broken', 'b', 2)])).toBe(
    1,
  );
});

test('a seed draws the same again, and within its bounds', () => {
  const draw = () => {
    const random = seeded(7);
    return Array.from({ length: 1_000 }, () => [random.between(3, 9), random.pick({ often: 9, seldom: 1, never: 0 })]);
  };
  const drawn = draw();
  expect(draw()).toEqual(drawn);
  expect(new Set(drawn.map(([number]) => number))).toEqual(new Set([3, 4, 5, 6, 7, 8, 9]));
  const seldom = drawn.filter(([, name]) => name === 'seldom').length;
  expect(seldom).toBeGreaterThan(50);
  expect(seldom).toBeLessThan(200);
  expect(drawn.some(([, name]) => name === 'never')).toBe(false);
});
