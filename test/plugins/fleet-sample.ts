import type { FleetAgent, FleetReport } from 'daruma';

const HOUR = 3_600_000;

/** An agent of a quiet day; say what is different. */
export function agentOf(name: string, different: Partial<FleetAgent> = {}): FleetAgent {
  const times = { p50Ms: 12, p95Ms: 40, p99Ms: 61 };
  const slots = { slotsKept: 1, slotsMissed: 0, slotsSkipped: 0 };
  const facts = { name, plugin: name, state: 'ok', why: '', schedule: '0 2 * * *' };
  const usual = { usualP95Ms: null, memoryPeakBytes: null, memoryLimitBytes: 134_217_728, before: null };
  const counts = { done: 1, dead: 0, ...different };
  const strip = stripOf(counts.done, counts.dead);
  return { ...facts, failedAttempts: 0, ...times, restarts: 0, ...slots, ...usual, strip, ...counts };
}

/** The jobs of a day, spread over its hours; dead ones at noon. */
function stripOf(done: number, dead: number): FleetAgent['strip'] {
  const from = Date.parse('2026-11-21T00:00:00Z');
  return Array.from({ length: 24 }, (_, hour) => ({
    at: at(from + hour * HOUR),
    done: Math.floor(((hour + 1) * done) / 24) - Math.floor((hour * done) / 24),
    dead: hour === 11 ? dead : 0,
  }));
}

/** A report from 00:00 UTC of 21 November 2026; say what is different. */
export function reportOf(different: Partial<FleetReport> = {}): FleetReport {
  const from = Date.parse('2026-11-21T00:00:00Z');
  const hours = Array.from({ length: 24 }, (_, hour) => ({ at: at(from + hour * HOUR), done: 0, dead: 0 }));
  return {
    from: at(from),
    to: at(from + 24 * HOUR),
    host: {
      version: '0.1.0',
      startedAt: '2026-11-04T08:00:00.000Z',
      uptimeMs: 1_555_200_000,
      memoryBytes: 100_663_296,
    },
    agents: [],
    hours,
    failures: [],
    ...{ needs: [], healed: [], versions: [], proofs: [], next: [], page: null },
    ...different,
  };
}

/** A day like most, with two things that went wrong, and names that try to break out of a page. */
export function busyReport(): FleetReport {
  const report = reportOf();
  const agents = [
    agentOf('api-health', { done: 288, p50Ms: 82, p95Ms: 182, p99Ms: 410, slotsKept: 288 }),
    agentOf('disk-space', { done: 144, p50Ms: 2, p95Ms: 4, p99Ms: 9, slotsKept: 144 }),
    agentOf('price-watch', {
      ...{ state: 'quarantined', why: '5 crashes in 10m, TypeError: prices is not iterable' },
      ...{ done: 118, dead: 13, failedAttempts: 41, p50Ms: 310, p95Ms: 820, p99Ms: 1_100, restarts: 5 },
      ...{ slotsKept: 131, slotsMissed: 9, slotsSkipped: 4 },
    }),
    agentOf('news-digest', {
      done: 24,
      failedAttempts: 3,
      p50Ms: 9_000,
      p95Ms: 21_000,
      p99Ms: 24_500,
      restarts: 1,
      slotsKept: 23,
      slotsMissed: 1,
    }),
    agentOf('backup', { p50Ms: 4_100, p95Ms: 4_100, p99Ms: 4_100 }),
    agentOf('performance-report', { p50Ms: 190, p95Ms: 190, p99Ms: 190 }),
    agentOf('log-cleanup', { p50Ms: 31, p95Ms: 31, p99Ms: 31 }),
    agentOf('status-post', { p50Ms: 44, p95Ms: 44, p99Ms: 44 }),
    agentOf('post-file', { slotsKept: 0, schedule: null }),
    agentOf('never-ran', { done: 0, p50Ms: null, p95Ms: null, p99Ms: null, slotsKept: 0, state: 'new' }),
  ];
  const failures = [
    {
      job: 'job-a02',
      agent: 'price-watch',
      at: '2026-11-21T11:40:08.000Z',
      error: 'TypeError: prices is not iterable',
      where: 'plugins/price-watch.ts:31:18',
    },
    {
      job: 'job-a01',
      agent: 'price-watch',
      at: '2026-11-21T11:12:00.000Z',
      error: 'bad answer: <script>alert("x")</script> | `rm` & \u0007co\nsecond line',
      where: null,
    },
  ];
  const hours = report.hours.map(({ at }, place) => ({
    at,
    done: agents.reduce((sum, { strip }) => sum + strip[place]!.done, 0),
    dead: agents.reduce((sum, { strip }) => sum + strip[place]!.dead, 0),
  }));
  return { ...report, hours, agents, failures, ...TOLD };
}

/** What a busy day has beside its figures. */
const TOLD: Partial<FleetReport> = {
  needs: [
    {
      ...{
        agent: 'price-watch',
        incident: 'inc-42',
        since: '2026-11-21T11:40:31.000Z',
        next: 'daruma incidents inc-42',
      },
      text: 'crash-looping: 5 crashes in 10m, TypeError: prices is not iterable',
    },
    {
      ...{ agent: 'price-watch', incident: null, since: null, next: 'daruma dlq show f-b20' },
      text: '13 dead letters: prices is not iterable',
    },
  ],
  healed: [
    {
      ...{ incident: 'inc-41', agent: 'news-digest', at: '2026-11-21T03:12:02.000Z', tookMs: 4_100 },
      ...{ seen: 'memory 512 of 512 MB, third look in a row', done: 'recycle, retry' },
    },
  ],
  versions: [
    {
      at: '2026-11-21T11:31:00.000Z',
      agent: 'price-watch',
      text: 'price-watch has version 9c1e77ab in place of 77ab12cd',
    },
  ],
  proofs: [
    {
      what: 'backup',
      at: '2026-11-22T02:00:41.000Z',
      ok: true,
      text: 'backups/daruma-20261122T020000Z.tar.gz, 4 MB',
      tookMs: 12_000,
      job: 'job-9',
    },
    {
      what: 'restore',
      at: '2026-11-15T04:26:00.000Z',
      ok: false,
      text: 'there is no backup to restore',
      tookMs: 40,
      job: 'job-8',
    },
    { what: 'chain', at: '2026-11-21T04:10:00.000Z', ok: true, text: 'chain proven 3 of 3', tookMs: null, job: null },
  ],
  next: [{ agent: 'backup', at: '2026-11-23T02:00:00.000Z' }],
};

const at = (ms: number): string => new Date(ms).toISOString();
