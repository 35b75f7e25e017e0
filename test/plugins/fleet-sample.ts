import type { FleetAgent, FleetReport } from 'daruma';

const HOUR = 3_600_000;

/** An agent of a quiet day; say what is different. */
export function agentOf(name: string, different: Partial<FleetAgent> = {}): FleetAgent {
  const times = { p50Ms: 12, p95Ms: 40, p99Ms: 61 };
  const slots = { slotsKept: 1, slotsMissed: 0, slotsSkipped: 0 };
  const facts = { name, plugin: name, state: 'ok', why: '', schedule: '0 2 * * *' };
  return { ...facts, done: 1, dead: 0, failedAttempts: 0, ...times, restarts: 0, ...slots, ...different };
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
    ...different,
  };
}

/** A day like most, with two things that went wrong, and names that try to break out of a page. */
export function busyReport(): FleetReport {
  const report = reportOf();
  const hours = report.hours.map((hour, place) => ({
    at: hour.at,
    done: 18 + ((place * 37) % 11) + (place > 7 && place < 19 ? 22 : 0),
    dead: place === 11 ? 9 : place === 12 ? 4 : 0,
  }));
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
    agentOf('daily-report', { p50Ms: 190, p95Ms: 190, p99Ms: 190 }),
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
  return { ...report, hours, agents, failures };
}

const at = (ms: number): string => new Date(ms).toISOString();
