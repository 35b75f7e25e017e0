import type { AgentView, JobView, StatusView } from '../../src/control/protocol.ts';

/** A Sunday, 12:04:31 in Berlin. */
export const NOW = Date.parse('2026-11-22T11:04:31.000Z');
export const clock = { now: NOW, zone: 'Europe/Berlin' };
/** A clock in another zone with whole hours everywhere else. */
export const utc = { now: NOW, zone: 'UTC' };

export function job(over: Partial<JobView> = {}): JobView {
  return {
    id: 'job-a01',
    agent: 'api-health',
    version: '9c1e77ab0011',
    state: 'done',
    trigger: 'schedule',
    attempt: 1,
    attempts: 5,
    slot: '2026-11-22T11:04:00.000Z',
    key: null,
    priority: 0,
    queuedAt: '2026-11-22T11:04:00.010Z',
    runAt: '2026-11-22T11:04:00.000Z',
    startedAt: '2026-11-22T11:04:00.020Z',
    finishedAt: '2026-11-22T11:04:00.202Z',
    durationMs: 182,
    input: null,
    result: { status: 200 },
    summary: null,
    error: null,
    cause: null,
    ...over,
  };
}

export function agent(over: Partial<AgentView> = {}): AgentView {
  return {
    name: 'api-health',
    plugin: 'api-health',
    about: 'Fails when the API is slow.',
    version: '9c1e77ab0011',
    state: 'ok',
    why: 'the latest job is done',
    schedule: '* * * * *',
    timezone: 'Europe/Berlin',
    lastJob: job(),
    nextSlot: '2026-11-22T11:05:00.000Z',
    p95Ms: 182,
    memory: { usedBytes: 44 * 1024 ** 2, limitBytes: 128 * 1024 ** 2 },
    workers: { now: 1, min: 0, max: 1 },
    queued: 0,
    dead: 0,
    hours: Array.from({ length: 24 }, () => ({ done: 60, dead: 0 })),
    problem: null,
    ...over,
  };
}

const quiet = Array.from({ length: 24 }, () => ({ done: 0, dead: 0 }));

/** One agent in each of the states that look different. */
export const fleet: AgentView[] = [
  agent(),
  agent({
    name: 'news-digest',
    state: 'retrying',
    why: '429 from groq, waiting 38s, then cerebras',
    lastJob: job({ state: 'retrying', attempt: 2, finishedAt: '2026-11-22T11:00:21.000Z', durationMs: 21_000 }),
    p95Ms: 21_000,
    memory: { usedBytes: null, limitBytes: 512 * 1024 ** 2 },
  }),
  agent({
    name: 'backup',
    lastJob: job({ finishedAt: '2026-11-21T01:00:41.000Z', durationMs: 41_000 }),
    nextSlot: '2026-11-23T01:00:00.000Z',
    p95Ms: 52_000,
    hours: quiet.map((hour, at) => (at === 2 ? { done: 1, dead: 0 } : hour)),
  }),
  agent({
    name: 'db-export',
    state: 'late',
    why: 'due 12:00, not started: job-77c still running since 11:20',
    lastJob: job({ state: 'running', startedAt: '2026-11-22T10:20:00.000Z', finishedAt: null, durationMs: null }),
    nextSlot: '2026-11-22T11:00:00.000Z',
  }),
  agent({
    name: 'price-watch',
    state: 'ok',
    lastJob: job({ state: 'dead', finishedAt: '2026-11-22T10:40:00.000Z', durationMs: 100 }),
    dead: 2,
    hours: quiet.map((_, at) =>
      at > 21 ? { done: 0, dead: 1 } : at === 21 ? { done: 5, dead: 1 } : { done: 6, dead: 0 },
    ),
    problem: {
      code: 'COMPILE',
      message: 'Expected ";" but found "prices"',
      file: 'plugins/price-watch.ts',
      line: 31,
      column: 7,
      frame: '  30 | const a = 1\n> 31 | const prices prices\n     |       ^',
      next: 'fix the file; the version before goes on running',
    },
  }),
  agent({
    name: 'newsletter',
    state: 'paused',
    why: 'paused by hand',
    lastJob: null,
    nextSlot: null,
    p95Ms: null,
    hours: quiet,
  }),
  agent({
    name: 'mailer',
    state: 'new',
    why: 'nothing has run yet',
    lastJob: null,
    nextSlot: null,
    schedule: null,
    p95Ms: null,
    hours: quiet,
  }),
];

export function status(over: Partial<StatusView> = {}): StatusView {
  return {
    host: {
      version: '0.1.0',
      pid: 812,
      startedAt: '2026-11-04T07:00:00.000Z',
      folder: '/srv/ops',
      watchedBy: 'guardian',
      guardian: 811,
      safeMode: false,
      memoryBytes: 96 * 1024 ** 2,
      loopLagMs: 4.2,
      cells: 2,
      workers: 3,
      queued: 0,
      socket: '/srv/ops/data/run/control.sock',
      store: '/srv/ops/data/daruma.db',
      logs: '/srv/ops/logs',
    },
    edge: null,
    agents: fleet,
    incidents: { open: 0, healedToday: 0 },
    problems: [],
    ...over,
  };
}
