import { beforeEach, describe, expect, test } from 'vitest';
import { outcomeWords } from '../../src/control/words/job.ts';
import { agentState } from '../../src/host/api/agent-state.ts';
import { createHoldUps, type HoldUpNeeds, holdUpSentence, type WaitingJob } from '../../src/host/api/hold-ups.ts';
import { createLookups } from '../../src/host/api/lookups.ts';
import { viewJob } from '../../src/host/api/views.ts';
import type { Job } from '../../src/jobs/model.ts';
import { type HoldFacts, planHold } from '../../src/jobs/placement.ts';
import type { JobWaitFacts } from '../../src/jobs/ports.ts';
import { withHoldUps } from '../../src/web/with-hold-ups.ts';
import { Clock, T0 } from '../clock.ts';

const MINUTE = 60_000;
const LIMIT = { key: 'shop', concurrency: 2, rate: { starts: 3, perMs: MINUTE } };

let time: Clock;
let agent: Record<string, unknown>;
let hold: Omit<HoldFacts, 'name'>;
let facts: Partial<JobWaitFacts>;
let room: { forMs: number; most: number; isNarrowed: boolean } | undefined;
let capacity: number;
let workersNow: number;

beforeEach(() => {
  time = new Clock();
  agent = { name: 'sync', on: [], workers: { min: 0, max: 2 } };
  hold = {};
  facts = { isDebounced: false, use: null };
  room = undefined;
  capacity = 1;
  workersNow = 2;
});

const holdUpsOf = createHoldUps({
  time: { now: () => time.now() },
  catalog: {
    agents: () => new Map([['sync', agent]]),
    listings: () => [{ name: 'sync', plugin: 'sync', is: 'live', why: '', problem: null }],
  },
  placements: { holdOf: (name: string) => planHold({ name, ...hold }), of: () => ({ workers: { max: 2 } }) },
  workers: {
    waitsForRoom: () => room,
    capacity: () => capacity,
    view: () => ({ workers: Array.from({ length: workersNow }, () => ({ agent: 'sync' })) }),
  },
  store: { waitFacts: async (asked: { job: string }[]) => asked.map(({ job }) => ({ job, ...facts })) },
} as unknown as HoldUpNeeds);

const job = (more: Partial<Job> = {}): Job => ({
  ...{
    id: 'job-7',
    agent: 'sync',
    version: null,
    state: 'queued',
    trigger: 'send',
    slot: null,
    key: null,
    priority: 0,
  },
  ...{ attempt: 0, attempts: 3, queuedAt: T0, runAt: T0, staleAt: null, startedAt: null, finishedAt: null },
  ...{ input: '{"shop":"north"}', result: null, summary: null, error: null, cause: null, parent: null, depth: 0 },
  ...more,
});
const held = async (more: Partial<Job> = {}) => (await holdUpsOf([job(more) satisfies WaitingJob]))[0]!;

const REASONS: [string, () => Partial<Job>, { is: string; text: string; inMs: number | null }][] = [
  [
    'a pause',
    () => {
      hold = { pause: { since: T0, until: T0 + MINUTE } };
      return {};
    },
    { is: 'paused', text: 'sync is paused', inMs: MINUTE },
  ],
  [
    'a machine that is short',
    () => {
      hold = { pressure: { since: T0, growth: 'shrink', leastPriority: 1, seen: '3 % of memory' } };
      return {};
    },
    { is: 'deferred', text: 'the machine is short (3 % of memory): jobs of a priority below 1 wait', inMs: null },
  ],
  [
    'a limit of its key',
    () => {
      agent.keyLimit = LIMIT;
      facts.use = { running: 2, starts: [] };
      return {};
    },
    { is: 'limit', text: 'it waits for its limit: shop "north", 2 of 2 at work', inMs: null },
  ],
  [
    'a rate of its key',
    () => {
      agent.keyLimit = LIMIT;
      facts.use = { running: 0, starts: [T0 - 50_000, T0 - 20_000, T0 - 10_000] };
      return {};
    },
    { is: 'limit', text: 'it waits for its limit: shop "north", 3 began within 1m', inMs: 10_000 },
  ],
  [
    'debounce',
    () => {
      agent.debounce = { periodMs: MINUTE, timeoutMs: MINUTE };
      facts.isDebounced = true;
      return { runAt: T0 + 30_000 };
    },
    { is: 'debounce', text: 'it waits for more that may be sent (debounce)', inMs: 30_000 },
  ],
  [
    'the bound of all workers',
    () => {
      room = { forMs: 3, most: 9, isNarrowed: false };
      return {};
    },
    { is: 'room', text: 'it waits for room: 9 workers are there, and no more may be (workers.max)', inMs: null },
  ],
  [
    'the narrower bound while the machine is short',
    () => {
      room = { forMs: 3, most: 1, isNarrowed: true };
      return {};
    },
    {
      is: 'room',
      text: 'it waits for room: the machine is short, and no more than 1 worker may be there until it is not',
      inMs: null,
    },
  ],
  [
    'its own workers',
    () => {
      capacity = 0;
      return {};
    },
    { is: 'workers', text: 'it waits for a free worker: 2 of 2 are at work (workers.max)', inMs: null },
  ],
  [
    'what its workers do side by side',
    () => {
      agent.concurrency = 8;
      capacity = 0;
      return {};
    },
    {
      is: 'workers',
      text: 'it waits for a free worker: 2 of 2 are at work, each with up to 8 jobs (workers.max, concurrency)',
      inMs: null,
    },
  ],
  [
    'a budget of models',
    () => {
      const data = { waitsFor: 'the budget of models', waitsSince: new Date(T0).toISOString() };
      return { state: 'retrying', runAt: T0 + 5_000, error: { code: 'MODEL_BUDGET', message: 'spent', data } };
    },
    { is: 'origin', text: 'it waits for the budget of models', inMs: 5_000 },
  ],
];

describe.each(REASONS)('a job that waits for %s', (_, given, { is, text, inMs }) => {
  const until = inMs === null ? null : new Date(T0 + inMs).toISOString();

  test('says so in one way to whoever asks', async () => {
    const change = given();
    const holdUp = await held(change);
    expect(holdUp).toMatchObject({ is, text, until });
    // JSON, MCP and API: the list and the job alike.
    const store = { list: async () => [job(change)], get: async () => job(change), slots: async () => [] };
    const catalog = { agents: () => new Map([['sync', agent]]), listings: () => [] };
    const lookups = createLookups({ time, store, catalog, holdUpsOf } as never);
    expect(await lookups.jobs({ limit: 5 } as never, {} as never)).toMatchObject([{ id: 'job-7', holdUp }]);
    expect(await lookups.job({ id: 'job-7' })).toMatchObject({ holdUp });
    expect((await lookups.why({ agent: 'sync' } as never, {} as never)).sentence).toContain(
      `job-7 waits: ${holdUpSentence(holdUp, T0)}.`,
    );
    // The page, whose lists come out of the store.
    const [seen] = await withHoldUps([viewJob(job(change))], async ({ jobs }) =>
      jobs.map((id) => ({ job: id, holdUp })),
    );
    expect(seen).toMatchObject({ holdUp });
    // Words of a list, in the terminal and on the page.
    const clock = { now: T0, zone: 'UTC' };
    const words = outcomeWords(seen!, clock as never);
    expect(words).toContain(is === 'origin' ? text.replace('it waits ', '') : text);
    expect(words).not.toBe('now');
    // The state of its agent.
    if (is === 'paused' || is === 'origin') return;
    const { why } = agentState({
      listing: { name: 'sync', is: 'live', why: '', problem: null },
      overview: { newest: job(change), ended: null, queued: 1, retrying: 0, running: 0, dead: 0 },
      ...{ hold: null, holdUp, incident: undefined, nextSlot: undefined, now: T0 },
    } as never);
    expect(why).toBe(`job-7 waits: ${holdUpSentence(holdUp, T0)}`);
  });
});

test('nothing holds a job up that has its time before it, a key and a worker with room, or that does not wait', async () => {
  agent.keyLimit = LIMIT;
  facts.use = { running: 1, starts: [T0 - 10] };
  expect(await held()).toBeNull();
  capacity = 0;
  expect(await held({ runAt: T0 + 1 })).toBeNull();
  expect(await held({ state: 'running' })).toBeNull();
  workersNow = 0;
  expect(await held()).toBeNull();
});

test('a limit that somebody meant is no lateness, and a worker that nobody has is', () => {
  const late = (is: string, until: string | null) =>
    agentState({
      listing: { name: 'sync', is: 'live', why: '', problem: null },
      overview: { newest: job({ runAt: T0 - 10 * MINUTE }), ended: null, queued: 1, retrying: 0, running: 0, dead: 0 },
      ...{ hold: null, holdUp: { is, text: 'it waits', until, next: null }, nextSlot: undefined, now: T0 },
    } as never);
  expect(late('limit', new Date(T0 + 12_000).toISOString())).toEqual({
    ...{ state: 'ok', why: 'job-7 waits: it waits, again in 12s' },
  });
  expect(late('room', null)).toEqual({ state: 'late', why: 'job-7 waits since 10m: it waits' });
});

test('a page whose host does not answer shows its list as the store has it', async () => {
  const jobs = [viewJob(job()), viewJob(job({ state: 'done' }))];
  expect(await withHoldUps(jobs, () => Promise.reject(new Error('silent')))).toEqual(jobs);
  expect(await withHoldUps([jobs[1]!], () => Promise.reject(new Error('is not asked')))).toEqual([jobs[1]]);
});
