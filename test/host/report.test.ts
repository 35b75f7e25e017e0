import { expect, test, vi } from 'vitest';
import { createFleet } from '../../src/host/fleet.ts';
import { reportLookup } from '../../src/host/report/report.ts';
import { isoOf } from '../../src/kernel/instant.ts';
import { DAY_MS, HOUR_MS } from '../../src/kernel/measures.ts';
import { firstValue } from '../../src/kernel/series.ts';
import { sketchOf } from '../../src/kernel/sketch.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { reportResult } from '../../src/operations/results/report.ts';

const NOW = Date.parse('2026-11-21T12:00:00.000Z');
const figures = (agent: string, done: number, dead: number, p95Ms: number) => ({
  ...{ agent, done, dead, failedAttempts: dead, p50Ms: 1, p95Ms, p99Ms: p95Ms },
});
const incident = (id: string, state: string, endedAt: number | null) => ({
  ...{ id, agent: 'shop', verdict: 'memory', state, openedAt: NOW - 2 * HOUR_MS, endedAt, seen: '65 of 64 MB' },
  ...{ fingerprint: 'x', version: null, jobs: [], remedies: [], timeline: [], evidence: null, repeats: 0, note: null },
});

const SPENT = {
  ...{ day: isoOf(NOW).slice(0, 10), agent: 'shop', rung: 'groq', calls: 2, promptTokens: 90, completionTokens: 10 },
  ...{ micros: 1_500_000, failedTries: 0, unpricedTokens: 0 },
};

/** Jobs that ended, by the hour: of the newest day, the day before it, and earlier. */
const ENDED = [
  { agent: 'shop', hour: NOW - HOUR_MS, done: 15, dead: 1, failedAttempts: 1 },
  { agent: 'drill-leak', hour: NOW - HOUR_MS, done: 9, dead: 9, failedAttempts: 9 },
  { agent: 'shop', hour: NOW - 25 * HOUR_MS, done: 10, dead: 0, failedAttempts: 0 },
  { agent: 'shop', hour: NOW - 72 * HOUR_MS, done: 45, dead: 6, failedAttempts: 6 },
];

/** A store with a day, the day before it, and a drill that counts nowhere. */
function needs() {
  const store = {
    agentFigures: vi.fn(async (from: number) =>
      from === NOW - DAY_MS
        ? [figures('shop', 15, 1, 200), figures('drill-leak', 9, 9, 1)]
        : [figures('shop', 10, 0, 100)],
    ),
    durationSketches: vi.fn(async () => [{ agent: 'shop', durations: sketchOf('[200,7]')! }]),
    slotFigures: async () => [{ agent: 'shop', kept: 16, missed: 2, skipped: 0 }],
    hourFigures: async (from: number, to: number) => ENDED.filter(({ hour }) => hour >= from && hour < to),
    aggregates: async () => [
      { agent: 'shop', p95Ms: 100 },
      { agent: 'shop', p95Ms: 900 },
      { agent: 'shop', p95Ms: 120 },
    ],
    metrics: async () => [
      {
        agent: 'shop',
        name: 'memory',
        points: [40, 44, 41].map((level) => ({ at: NOW, value: firstValue('gauge', level) })),
      },
    ],
    nextSlots: async () => [{ agent: 'shop', due: NOW + HOUR_MS }],
    events: async ({ kind }: { kind: string }) =>
      kind === 'worker.gone' ? [{ agent: 'shop', at: NOW - HOUR_MS }] : [],
    list: async () => [],
    incidents: async ({ states }: { states?: string[] }) =>
      states
        ? [incident('inc-2', 'open', null)]
        : [incident('inc-2', 'open', null), incident('inc-1', 'healed', NOW - HOUR_MS)],
    incident: async () => undefined,
    mutes: async () => [],
    findings: async () => [],
    spendRows: async () => [SPENT],
    usageRows: async () => [],
    deadByCause: async () => [
      { cause: 'f-1', agent: 'shop', count: 1, example: { error: { message: '502' } } },
      { cause: 'f-2', agent: 'drill-leak', count: 9, example: { error: null } },
    ],
    backUp: vi.fn(),
  };
  return {
    store,
    time: { ...machineTime, now: () => NOW },
    timezone: () => 'UTC',
    listings: () => [],
    agents: () => new Map(),
    states: async () => new Map([['shop', { state: 'failed', why: '502' }]]),
  };
}

test('tells of a period beside the one before it, and of what is to be done now; drills count nowhere', async () => {
  const { report } = reportLookup(needs() as never);
  const value = reportResult.parse(await report({}));
  expect(value).toMatchObject({
    from: isoOf(NOW - DAY_MS),
    agents: [
      {
        name: 'shop',
        done: 15,
        dead: 1,
        p95Ms: 200,
        usualP95Ms: 120,
        restarts: 1,
        before: { done: 10, dead: 0, p95Ms: 100 },
      },
    ],
    totals: { done: 15, dead: 1, success: 15 / 16, slotsMissed: 2 },
    before: { from: isoOf(NOW - 2 * DAY_MS), done: 10, success: 1 },
    bills: { agents: [{ agent: 'shop', today: { calls: 2, money: 1.5 } }], total: { month: { money: 1.5 } } },
    open: [{ id: 'inc-2' }],
    healed: [{ id: 'inc-1' }],
    dead: [{ cause: 'f-1', count: 1, message: '502' }],
  });
  const [dead, done] = [
    value.hours.reduce((sum, one) => sum + one.dead, 0),
    value.hours.reduce((sum, one) => sum + one.done, 0),
  ];
  expect([done, dead]).toEqual([15, 1]);
});

test('agents that report get the same figures', async () => {
  const all = needs();
  const facts = { folder: '/', version: '0.1.0', startedAt: NOW - DAY_MS, socket: '/' };
  const web = { enabled: true, host: '127.0.0.1', port: 7070 };
  const fleet = createFleet({ ...all, settings: { timezone: 'UTC', web }, parts: vi.fn(), facts } as never);
  const { report } = reportLookup(all as never);
  const [whole, ours] = await Promise.all([fleet.report(), report({})]);
  const { host, models, rungs, needs: waiting, healed, versions, proofs, next, page, ...theirs } = whole;
  expect(host.version).toBe('0.1.0');
  expect(waiting.map(({ next: command }) => command)).toEqual(['daruma incidents inc-2', 'daruma dlq show f-1']);
  expect(healed).toMatchObject([{ incident: 'inc-1', agent: 'shop', tookMs: HOUR_MS }]);
  expect({ versions, proofs, page }).toEqual({ versions: [], proofs: [], page: 'http://127.0.0.1:7070' });
  expect(next).toEqual([{ agent: 'shop', at: isoOf(NOW + HOUR_MS) }]);
  expect(models).toEqual([{ agent: 'shop', calls: 2, tokens: 100, money: 1.5 }]);
  expect(rungs).toEqual([{ rung: 'groq', calls: 2, tokens: 100, money: 1.5 }]);
  expect(ours).toMatchObject(theirs);
});

test('a long period is read from the aggregates', async () => {
  const all = needs();
  const { report } = reportLookup(all as never);
  const value = await report({ from: isoOf(NOW - 7 * DAY_MS) });
  expect(all.store.agentFigures).not.toHaveBeenCalled();
  expect(value.totals).toMatchObject({ done: 70, dead: 7 });
  await expect(report({ from: isoOf(NOW + 1) })).rejects.toThrow('ends after it begins');
});

test('jobs of an hour in which the period begins or ends are counted by their own time, and no figure counts others', async () => {
  const all = needs();
  const cut = vi.fn(async (from: number) => [figures('shop', from === NOW ? 2 : 3, 0, 1)]);
  const { report } = reportLookup({ ...all, store: { ...all.store, agentFigures: cut } } as never);
  const value = await report({ from: isoOf(NOW - 90 * 60_000), to: isoOf(NOW + 60_000) });
  expect(value.totals).toMatchObject({ done: 15 + 2 + 3, dead: 1 });
  expect(value.hours.reduce((sum, { done, dead }) => sum + done + dead, 0)).toBe(21);
  expect(value.agents[0]!.strip.reduce((sum, { done, dead }) => sum + done + dead, 0)).toBe(21);
});

test('a restore is proven by a job that restored something, and failed by one that gave up; a job that handed the work on, or copied only, is neither', async () => {
  const all = needs();
  const ended = (id: string, state: string, result: object | null, input: object | null = null) => ({
    ...{
      id,
      state,
      input: input && JSON.stringify(input),
      result: result && JSON.stringify(result),
      error: null,
      summary: id,
    },
    ...{ startedAt: NOW - HOUR_MS, finishedAt: NOW - HOUR_MS + 900 },
  });
  const jobs: Record<string, unknown[]> = {
    'restore-drill': [
      ended('handed-on', 'done', { restored: null }),
      ended('of-before', 'done', { file: 'backups/a' }),
    ],
    bucket: [ended('copied', 'done', { copied: ['a'] }), ended('fetched', 'done', { restored: 'a' })],
    disk: [ended('lost', 'dead', null, { drill: true }), ended('restored', 'done', { restored: 'a' })],
  };
  const listings = [
    ...all.listings(),
    { name: 'restore-drill', plugin: 'restore-drill' },
    { name: 'bucket', plugin: 'backup-s3' },
    { name: 'disk', plugin: 'backup-restic' },
  ];
  const store = { ...all.store, list: async ({ agent }: { agent?: string }) => jobs[agent ?? ''] ?? [] };
  const facts = { folder: '/', version: '0.1.0', startedAt: NOW - DAY_MS, socket: '/' };
  const given = {
    ...all,
    store,
    listings: () => listings,
    settings: { timezone: 'UTC', web: {} },
    parts: vi.fn(),
    facts,
  };
  const { proofs } = await createFleet(given as never).report();
  expect(proofs.map(({ what, ok, job, tookMs }) => ({ what, ok, job, tookMs }))).toEqual([
    { what: 'restore', ok: true, job: 'of-before', tookMs: 900 },
    { what: 'copy', ok: true, job: 'fetched', tookMs: 900 },
    { what: 'copy', ok: false, job: 'lost', tookMs: 900 },
  ]);
});
