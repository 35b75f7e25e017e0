import { expect, it } from 'vitest';
import type { JobDetail } from '../../src/jobs/ports.ts';
import type { Slot } from '../../src/schedule/ports.ts';
import { explainSlot, slotNear, type WhyFacts } from '../../src/schedule/why.ts';

const DUE = Date.parse('2026-11-21T01:00:00Z');
const NOW = DUE + 3_600_000;
const SECOND = 1_000;

const slot = (more: Partial<Slot> = {}): Slot => ({
  agent: 'backup',
  due: DUE,
  state: 'ran',
  reason: null,
  job: 'j-1',
  plannedAt: DUE - 120 * SECOND,
  decidedAt: DUE + 3,
  ...more,
});
const job = (more: Partial<JobDetail> = {}): JobDetail => ({
  id: 'j-1',
  agent: 'backup',
  version: 'v1',
  state: 'done',
  trigger: 'schedule',
  slot: DUE,
  key: `slot:${DUE}`,
  priority: 0,
  attempt: 1,
  attempts: 3,
  queuedAt: DUE + 3,
  runAt: DUE + 3,
  staleAt: null,
  startedAt: DUE + 10,
  finishedAt: DUE + 41 * SECOND + 10,
  input: null,
  result: null,
  summary: null,
  error: null,
  cause: null,
  parent: null,
  depth: 0,
  failures: [],
  ...more,
});
const facts = (more: Partial<WhyFacts> = {}): WhyFacts => ({
  agent: 'backup',
  at: DUE,
  now: NOW,
  slot: slot(),
  job: job(),
  schedule: { expression: '0 2 * * *', timezone: 'Europe/Berlin', catchUp: 'once', overlap: 'skip', jitterMs: 0 },
  ...more,
});
const without = (more: Partial<WhyFacts>) => explainSlot(facts({ slot: undefined, job: undefined, ...more }));

it('tells of a slot that ran, step by step', () => {
  expect(explainSlot(facts())).toEqual({
    agent: 'backup',
    slot: DUE,
    state: 'ran',
    steps: [
      { at: DUE - 120 * SECOND, what: 'planned', why: null },
      { at: DUE + 3, what: 'ran', why: null },
      { at: DUE + 3, what: 'j-1 queued', why: null },
      { at: DUE + 10, what: 'attempt 1 started', why: null },
      { at: DUE + 41_010, what: 'done', why: null },
    ],
    sentence: 'backup was due at 2026-11-21 02:00 (Europe/Berlin) and asked for a job; j-1 was done in 41s.',
  });
});

it('tells of waiting for a worker, of failed attempts and of the end', () => {
  const fault = { code: 'ERROR', message: '502 from the shop' };
  const failures = [{ attempt: 1, startedAt: DUE + 9_000, finishedAt: DUE + 10_000, worker: 'w1', fault }];
  const why = explainSlot(
    facts({ job: job({ state: 'dead', attempt: 2, attempts: 2, failures, startedAt: DUE + 12_000, error: fault }) }),
  );
  expect(why.steps.slice(3).map(({ what, why }) => [what, why])).toEqual([
    ['attempt 1 started', null],
    ['attempt 1 failed', '502 from the shop'],
    ['attempt 2 started', 'waited 11s for a worker'],
    ['dead', '502 from the shop'],
  ]);
  expect(why.sentence).toContain('j-1 was given up after attempt 2 of 2: 502 from the shop.');
});

it('tells of a job that waits for a server that is down: what for, since when, and that it costs nothing', () => {
  const data = { waitsFor: 'https://api.example', waitsSince: new Date(DUE + 9_000).toISOString() };
  const error = { code: 'ORIGIN_DOWN', message: 'https://api.example is down', data };
  const waiting = {
    state: 'retrying' as const,
    attempt: 3,
    attempts: 6,
    startedAt: DUE + 60_000,
    finishedAt: DUE + 60_010,
  };
  const why = explainSlot(facts({ job: job({ ...waiting, runAt: DUE + 90_000, error }) }));
  expect(why.steps.slice(2).map(({ what, why }) => [what, why])).toEqual([
    ['j-1 queued', null],
    ['waits for https://api.example', 'https://api.example is down'],
    ['attempt 3 started', null],
    ['retrying', 'https://api.example is down'],
    ['attempt 4 may start', 'the wait costs no attempt'],
  ]);
  expect(why.sentence).toContain(
    'j-1 waits for https://api.example since 2026-11-21T01:00:09.000Z, loses no attempt by it, and is tried again at',
  );
});

it.each([
  [{ state: 'skipped' as const, reason: 'paused', job: null }, 'was skipped: paused.'],
  [{ state: 'missed' as const, reason: 'seen 35m late', job: null }, 'was missed: seen 35m late.'],
  [
    { state: 'cancelled' as const, reason: 'the schedule changed', job: null },
    'but the slot was cancelled: the schedule changed.',
  ],
  [
    { state: 'caught-up' as const, reason: 'seen 35m late' },
    'was missed (seen 35m late), and was caught up later; j-1 was done in 41s.',
  ],
])('tells of a slot that is %o', (more, end) => {
  const why = explainSlot(facts({ slot: slot(more), ...('job' in more ? { job: undefined } : {}) }));
  expect(why.sentence).toMatch(new RegExp(`${end.replace(/[().]/g, '\\$&')}$`));
  expect(why.state).toBe(more.state);
});

it('tells of a slot whose time has not come', () => {
  const why = explainSlot(
    facts({ slot: slot({ state: 'planned', job: null, decidedAt: null }), job: undefined, now: DUE - 90 * SECOND }),
  );
  expect(why.sentence).toBe('backup is due at 2026-11-21 02:00 (Europe/Berlin), in 1m 30s.');
  expect(why.steps).toHaveLength(1);
});

it('says why there is no slot at a time', () => {
  const before = slot();
  const after = slot({ due: DUE + 86_400_000, state: 'planned' });
  expect(without({ at: DUE + 5_400_000, before, after }).sentence).toBe(
    'backup has no slot at 2026-11-21 03:30 (Europe/Berlin): its schedule "0 2 * * *" asks for none at that time; the nearest are 2026-11-21 02:00 (Europe/Berlin) and 2026-11-22 02:00 (Europe/Berlin).',
  );
  expect(without({ at: DUE - 86_400_000, after: before }).sentence).toContain(
    'it was not known then, or that time is not kept any more; its first slot known is 2026-11-21 02:00',
  );
  // The first day of an agent.
  const first = without({ at: DUE - 86_400_000, now: DUE - 5_400_000, after: slot({ state: 'planned' }) });
  expect(first.sentence).toBe(
    'backup has not been due yet, it is new to its schedule: it first runs at 2026-11-21 02:00 (Europe/Berlin), in 1h 30m.',
  );
  expect(without({ at: DUE + 86_400_000, before }).sentence).toBe(
    'backup will be due at 2026-11-22 02:00 (Europe/Berlin); its slot is written when that is near.',
  );
  expect(without({ before: slot({ due: DUE - 9e9 }), after }).sentence).toContain(
    'or missed more slots than are listed',
  );
  expect(without({ schedule: undefined }).sentence).toBe(
    'backup has no slot at 2026-11-21 01:00 (UTC): it is not in force or has no schedule.',
  );
  // In force, without a schedule: what starts it instead.
  const nothing = { always: false, webhook: false, on: [] };
  for (const [starts, words] of [
    [{ ...nothing, always: true }, 'it runs as long as the host does, and daruma status backup says since when'],
    [
      { ...nothing, webhook: true, on: ['job.dead', 'disk.full'] },
      'events of job.dead, disk.full start it; deliveries to /hooks/backup start it, and daruma deliveries backup has what came',
    ],
    [nothing, 'others hand it its jobs, which daruma jobs backup lists'],
  ] as const)
    expect(without({ schedule: undefined, starts }).sentence).toBe(`backup has no schedule: ${words}.`);
  expect(without({ at: DUE + 5_400_000 })).toMatchObject({ slot: null, state: 'none', steps: [] });
});

it('a question about a minute means the slot in it', () => {
  const rows = [slot({ due: DUE - SECOND }), slot({ due: DUE + 20 * SECOND }), slot({ due: DUE + 40 * SECOND })];
  expect(slotNear(rows, DUE)?.due).toBe(DUE + 20 * SECOND);
  expect(slotNear(rows, DUE + 40 * SECOND)?.due).toBe(DUE + 40 * SECOND);
  expect(slotNear(rows, DUE + 60 * SECOND)).toBeUndefined();
});
