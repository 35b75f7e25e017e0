import type { BatchView, IncidentView, JobView, Ops } from '../../../src/control/protocol.ts';
import { toPlainFault } from '../../../src/kernel/fault.ts';
import type { SeriesView } from '../../../src/operations/results/series.ts';
import type { PageCall } from '../../../src/web/page.ts';
import { KIT } from '../../../src/web/pages/index.tsx';
import { agent, clock, fleet, job, status } from '../../cli/views.ts';

export { agent, clock, job, status };

/** Answers to the questions of pages, by operation. */
export type Answers = { [O in keyof Ops]?: (args: Ops[O]['args']) => Ops[O]['value'] };

export const INCIDENT: IncidentView = {
  id: 'inc-42',
  agent: 'price-watch',
  verdict: 'crash-looping',
  state: 'open',
  openedAt: '2026-11-22T10:40:00.000Z',
  healedAt: null,
  endedAt: null,
  seen: '5 crashes in 10m, TypeError: prices is not iterable',
  version: '9c1e77ab0011',
  jobs: ['job-a02'],
  remedies: [
    { kind: 'quarantine', by: 'healing', at: '2026-11-22T10:40:01.000Z', what: 'in quarantine', outcome: 'held' },
  ],
  timeline: [{ at: '2026-11-22T10:40:00.000Z', what: 'seen', text: 'the worker ended at 2026-11-22T10:39:59.000Z' }],
  evidence: { lastBeat: 'fetched 212 items', lines: [{ level: 'error', message: 'boom' }] },
  fingerprint: 'f-b20',
  repeats: 2,
  note: 'looked at by Ada',
};

const healed: IncidentView = {
  ...INCIDENT,
  id: 'inc-41',
  agent: 'news-digest',
  verdict: 'over-limit',
  state: 'healed',
  healedAt: '2026-11-22T02:12:06.000Z',
  endedAt: '2026-11-22T02:12:06.000Z',
  openedAt: '2026-11-22T02:12:02.000Z',
  jobs: [],
};

const fault = {
  code: 'PLUGIN_ERROR',
  message: 'prices is not iterable',
  file: 'plugins/price-watch.ts',
  line: 31,
  frame: '  30 | const all = prices;\n> 31 | for (const one of prices) {\n     |                   ^\n',
  stack: 'TypeError: prices is not iterable\n    at run (plugins/price-watch.ts:31:20)',
  next: 'daruma logs price-watch',
};

export const DEAD: JobView = job({
  id: 'job-a02',
  agent: 'price-watch',
  state: 'dead',
  attempt: 2,
  queuedAt: '2026-11-22T10:39:00.000Z',
  startedAt: '2026-11-22T10:39:32.000Z',
  finishedAt: '2026-11-22T10:39:33.000Z',
  durationMs: 1_000,
  input: { url: 'https://shop.example' },
  result: null,
  error: fault,
  cause: 'f-b20',
  summary: '# Prices\n\n- **2** of 212 moved\n\n| item | price |\n| --- | --- |\n| tea | 4 |',
  failures: [
    {
      attempt: 1,
      startedAt: '2026-11-22T10:39:01.000Z',
      finishedAt: '2026-11-22T10:39:02.000Z',
      worker: 'w4',
      error: fault,
    },
    {
      attempt: 2,
      startedAt: '2026-11-22T10:39:32.000Z',
      finishedAt: '2026-11-22T10:39:33.000Z',
      worker: 'w9',
      error: fault,
    },
  ],
});

const versions: Ops['versions']['value']['versions'] = [
  {
    id: '9c1e77ab0011',
    madeAt: '2026-11-22T10:31:00.000Z',
    bytes: 4_000,
    rollout: 'bad',
    agents: [{ agent: 'price-watch', is: 'bad', runs: true, why: 'it crashed 5 times' }],
  },
  { id: '77ab00119c1e', madeAt: '2026-11-20T10:31:00.000Z', bytes: 3_900, rollout: 'good', agents: [] },
];

const BATCH: BatchView = {
  id: 'batch-6',
  act: 'replay',
  state: 'working',
  startedAt: '2026-11-22T11:00:00.000Z',
  endedAt: null,
  total: 14,
  done: 1,
  stale: 12,
  gone: 0,
  failed: 0,
  left: 1,
  named: false,
  filter: { states: ['dead'], cause: 'f-b20' },
  reason: null,
  withStale: false,
};

/** A fleet with an agent in each state, one open incident, one dead letter. */
export const ANSWERS: Answers = {
  status: () =>
    status({
      agents: fleet.map((one) => (one.name === 'price-watch' ? { ...one, dead: 1 } : one)),
      origins: [
        {
          origin: 'https://api.shop.example',
          state: 'open',
          since: '2026-11-22T11:00:00.000Z',
          probeAt: null,
          last: { at: '2026-11-22T11:00:00.000Z', what: '502' },
          instead: [],
          calls: 9,
          failures: 5,
          refused: 2,
          p50Ms: 20,
          p95Ms: 40,
        },
      ],
    }),
  incidents: ({ open }) => (open ? [INCIDENT] : [INCIDENT, healed]),
  incident: () => INCIDENT,
  runs: ({ limit = 50 }) =>
    fleet.map(({ name }) => ({
      agent: name,
      runs: Array.from({ length: limit }, (_, at) => ({
        job: `job-${at}`,
        state: at % 17 === 3 ? ('dead' as const) : ('done' as const),
        attempt: at % 11 === 5 ? 2 : 1,
        finishedAt: '2026-11-22T11:04:00.202Z',
        durationMs: 100 + at,
      })),
    })),
  jobs: () => [
    DEAD,
    job(),
    job({ id: 'job-a00', durationMs: 240 }),
    job({ id: 'job-9zz', state: 'retrying', attempt: 2, error: fault }),
  ],
  job: ({ id }) => ({ ...DEAD, id }),
  next: ({ agent: name }) => ({
    agent: name,
    schedule: '* * * * *',
    timezone: 'Europe/Berlin',
    words: 'every minute',
    notes: [],
    times: ['2026-11-22T11:05:00.000Z', '2026-11-22T11:06:00.000Z'],
  }),
  configShow: () => ({
    values: [
      { path: 'limits.memory', value: '128MB', origin: 'plugins/price-watch.ts:9' },
      { path: 'needs.net', value: ['shop.example'], origin: 'plugins/price-watch.ts:10' },
    ],
  }),
  slots: () => [
    { agent: 'api-health', due: '2026-11-22T11:04:00.000Z', state: 'ran', reason: null, job: 'job-a01' },
    { agent: 'backup', due: '2026-11-22T01:00:00.000Z', state: 'missed', reason: 'the host was down', job: null },
  ],
  why: ({ agent: name }) => ({
    agent: name,
    slot: '2026-11-22T01:00:00.000Z',
    state: 'missed',
    steps: [{ at: '2026-11-22T01:00:00.000Z', what: 'planned', why: null }],
    sentence: 'backup was due and did not run',
  }),
  dlq: () => [
    {
      cause: 'f-b20',
      agent: 'price-watch',
      count: 14,
      firstAt: '2026-11-22T10:00:00.000Z',
      lastAt: '2026-11-22T10:39:33.000Z',
      example: DEAD,
    },
  ],
  batchPlan: ({ act }) => ({ act, count: act === 'drop' ? 1 : 14, stale: 12, jobs: ['job-a02'] }),
  batches: () => [BATCH],
  batch: () => BATCH,
  batchItems: () => [
    { job: 'job-a02', result: 'done', why: null, agent: 'price-watch', state: 'queued' },
    { job: 'job-a03', result: 'stale', why: 'of no use for 4h', agent: 'price-watch', state: 'cancelled' },
    { job: 'job-a04', result: null, why: null, agent: null, state: null },
  ],
  versions: ({ plugin }) => ({ plugin, versions }),
  sources: ({ plugin, version }) => ({
    plugin,
    files: [{ path: `plugins/${plugin}.ts`, text: version.startsWith('9c') ? 'a\nb\n' : 'a\nc\n' }],
  }),
  workers: () => [
    {
      worker: 'w4',
      agent: 'api-health',
      version: '9c1e77ab0011',
      is: 'busy',
      job: 'job-a01',
      startedAt: '2026-11-22T11:04:00.000Z',
      jobs: [{ job: 'job-a01', startedAt: '2026-11-22T11:04:00.000Z', lastBeat: null }],
      memoryBytes: 44_000_000,
    },
  ],
  logs: () => [
    {
      time: '2026-11-22T11:04:00.000Z',
      level: 'info',
      msg: 'fetched 212 items',
      agent: 'api-health',
      job: 'job-a01',
      worker: 'w4',
      data: { ms: 310 },
    },
    { time: '2026-11-22T11:04:01.000Z', level: 'error', msg: 'boom', room: 'jobs' },
  ],
  hostLoad: ({ window = '24h' }) => ({
    window,
    from: '2026-11-21T11:10:00.000Z',
    to: '2026-11-22T11:10:00.000Z',
    stepMs: 600_000,
    points: [
      { at: '2026-11-22T10:40:00.000Z', workers: 9, busy: 4, waiting: 1_204 },
      { at: '2026-11-22T10:50:00.000Z', workers: 12, busy: 3, waiting: 2 },
    ],
  }),
  series: ({ agent = null }) => {
    const [from, to] = ['2026-11-21T12:00:00.000Z', '2026-11-22T12:00:00.000Z'];
    const points = ['09', '10'].map((hour) => ({ at: `2026-11-22T${hour}:00:00.000Z`, value: Number(hour) }));
    const one = (name: string, labels: Record<string, string> = {}): SeriesView['series'][number] => {
      return { agent, name, labels, kind: 'counter', unit: '', now: 10, usual: 9, points };
    };
    return {
      ...{ from, to, stepMs: 3_600_000 },
      series: [
        one('calls', { origin: 'https://api.example.com', end: 'good' }),
        one('context.orders', { shop: '<b>north' }),
        { ...one('context.waiting'), kind: 'gauge' },
        { ...one('context.import'), kind: 'histogram', unit: 'ms', now: 1_300 },
        { ...one('memory'), kind: 'gauge', unit: 'bytes' },
        { ...one('models.tokens', { rung: 'groq' }), usual: null },
      ],
    };
  },
  trends: ({ window = '24h' }) => {
    const sums = {
      done: 58,
      dead: 2,
      failedAttempts: 4,
      uptime: 58 / 60,
      errorRate: 4 / 62,
      p50Ms: 90,
      p95Ms: 182,
      p99Ms: 300,
      lateP95Ms: 12,
      lateMaxMs: 40,
      memoryPeakBytes: 44_000_000,
    };
    const isHour = window === '1h';
    const times = isHour ? ['10:30', '10:31', '10:40'] : ['09:00', '10:00'];
    const points = times.map((at) => ({ at: `2026-11-22T${at}:00.000Z`, ...sums }));
    const agents = fleet.map(({ name }) => ({ agent: name, ...sums, points }));
    const from = isHour ? '2026-11-22T10:00:00.000Z' : '2026-11-21T12:00:00.000Z';
    return { window, from, to: isHour ? '2026-11-22T11:00:00.000Z' : '2026-11-22T11:04:31.000Z', agents };
  },
  warnings: () => [
    {
      ...{ fingerprint: 'duration:news-digest', agent: 'news-digest', quantity: 'duration', word: 'rising' },
      ...{ since: '2026-11-22T09:00:00.000Z', hitsAt: null, next: 'daruma status news-digest' },
      text: 'p95 of news-digest is 38 % above last week: 21s, was 15s',
    },
  ],
  health: () => ({
    state: 'degraded',
    live: true,
    ready: true,
    reasons: [{ code: 'LOOP_STILL', who: 'healing', text: 'the loop healing has not turned for 2m' }],
    loops: [
      { name: 'schedule', agoMs: 1_000 },
      { name: 'healing', agoMs: 120_000 },
      { name: 'retention', agoMs: 900_000 },
    ],
    agents: [],
    pings: [{ name: 'nas', at: '2026-11-22T10:00:00.000Z', withinMs: 900_000, late: true }],
  }),
  doctor: () => ({
    checks: [
      { name: 'disk', group: 'host', state: 'ok', text: '76 GB free', fix: null },
      { name: 'secrets', group: 'agents', state: 'problem', text: 'SMTP_PASSWORD is missing', fix: 'put it into .env' },
    ],
  }),
  logFiles: () => [
    { name: 'daruma.2026-11-22.2.log', bytes: 40_000, changedAt: '2026-11-22T11:04:00.000Z' },
    { name: 'daruma.2026-11-22.1.log', bytes: 10_000_000, changedAt: '2026-11-22T09:00:00.000Z' },
  ],
  alerts: () => [
    {
      ...{ id: 'al-1', severity: 'open', state: 'firing', agent: 'price-watch', title: 'price-watch is crash-looping' },
      ...{ seen: '5 ends in 10m', since: '2026-11-22T10:40:00.000Z', endedAt: null, ending: null, done: [] },
      ...{ left: 'mend the plugin', next: 'daruma incidents inc-42', culprit: null, incident: 'inc-42', returns: 0 },
      ...{ announcedAt: '2026-11-22T10:40:01.000Z', quiet: false, deliveries: [] },
    },
  ],
  maintenance: () => [],
  audit: () => [
    {
      at: '2026-11-22T11:00:00.000Z',
      via: 'page',
      who: '3f2a91',
      role: 'operator',
      operation: 'pause',
      args: { agent: 'backup' },
      ok: false,
      fault,
      times: 1,
    },
  ],
  deliveries: () => ({
    deliveries: [
      {
        at: '2026-11-22T11:00:00.000Z',
        agent: 'price-watch',
        is: 'queued',
        event: 'issues',
        delivery: '72d3162e-cc78',
        job: 'job-a02',
        state: 'dead',
        reason: null,
        refusal: null,
      },
      {
        at: '2026-11-22T10:00:00.000Z',
        agent: 'price-watch',
        is: 'refused',
        event: 'push',
        delivery: '72d3162e-cc77',
        job: null,
        state: null,
        reason: 'input.body.issue: Invalid input',
        refusal: 'refused-0mhxa2b3c4d',
      },
    ],
    unproven: [
      { agent: 'price-watch', reason: 'signature wrong', count: 3, lastAt: '2026-11-22T09:00:00.000Z', newest: [] },
    ],
  }),
  events: () => [
    {
      id: 1,
      at: '2026-11-22T11:00:00.000Z',
      kind: 'agent.paused',
      agent: 'backup',
      message: 'backup is paused',
      who: 'page:3f2a',
      cause: null,
      data: { by: 'page' },
    },
  ],
};

/** The address of each page, with what its path needs. */
export const ADDRESSES = [
  '/',
  '/agents/price-watch',
  '/jobs',
  '/jobs/job-a02',
  '/incidents',
  '/incidents/inc-42',
  '/alerts',
  '/dlq',
  '/jobs?state=dead',
  '/batches',
  '/batches/batch-6',
  '/batches/new?act=replay&cause=f-b20&agent=price-watch&state=dead',
  '/batches/new?act=drop&named=1&id=job-a02&id=job-a03',
  '/schedule?agent=backup&at=2026-11-22T01:00:00.000Z',
  '/versions/price-watch',
  '/logs?follow=1&agent=price-watch&level=warn',
  '/reports',
  '/host?doctor=1',
  '/audit',
  '/trends?window=30d',
  '/?span=7d',
] as const;

/** The page at an address, as HTML. */
export async function render(address: string, over: Partial<PageCall> & { answers?: Answers } = {}): Promise<string> {
  const url = new URL(address, 'http://page.test');
  const { page, params } = routed(url.pathname);
  const { answers = ANSWERS, ...fields } = over;
  const call: PageCall = {
    ask: async (op, args) => {
      const answer = answers[op] as ((args: unknown) => never) | undefined;
      if (!answer) throw new Error(`the test has no answer to ${op}`);
      return answer(args);
    },
    path: url.pathname,
    params,
    query: url.searchParams,
    clock,
    viewer: { role: 'operator', csrf: 'csrf-of-ada' },
    streams: { open: 2, most: 32 },
    asset: (name) => `/assets/${name}?v=1`,
    ...fields,
  };
  return String(await (await page.render(call)).toString());
}

function routed(path: string) {
  for (const page of KIT.pages) {
    const names = [...page.path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
    const match = new RegExp(`^${page.path.replace(/:\w+/g, '([^/]+)')}$`).exec(path);
    if (match)
      return { page, params: Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(match[at + 1]!)])) };
  }
  throw new Error(`no page at ${path}`);
}

/** The document for a failure. */
export async function failed(error: unknown): Promise<string> {
  const viewer = { role: 'operator', csrf: 'csrf-of-ada' } as const;
  const call = {
    path: '/x',
    clock,
    viewer,
    streams: { open: 1, most: 32 },
    asset: (name: string) => `/assets/${name}`,
  };
  return await KIT.failed(call, toPlainFault(error)).toString();
}
