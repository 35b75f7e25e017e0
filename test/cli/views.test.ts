import { describe, expect, test } from 'vitest';
import { whyLines } from '../../src/cli/commands/why.ts';
import { agentLines } from '../../src/cli/text/agent.ts';
import { jobLines, jobTable } from '../../src/cli/text/job.ts';
import { logLines } from '../../src/cli/text/log.ts';
import { plain } from '../../src/cli/text/paint.ts';
import { statusLines } from '../../src/cli/text/status.ts';
import { widthOf } from '../../src/cli/text/width.ts';
import type { AgentView, LogLine } from '../../src/control/protocol.ts';
import { needsYou } from '../../src/control/words/agent.ts';
import { agent, clock, fleet, job, status } from './views.ts';

const look = { clock, paint: plain, width: 100 };
const text = (lines: string[]) => `\n${lines.join('\n')}\n`;

describe('status', () => {
  test('one line for each agent, the reason under those that need one', () => {
    expect(text(statusLines(status(), look))).toBe(`
daruma 0.1.0 · up 18d 4h · host 96 MB · 7 agents · workers 3 in 2 cells · queue 0 · event loop 4 ms

   AGENT        STATE         LAST RUN       NEXT         P95  MEMORY     24 H
✓  api-health   ok            12:04 182ms    in 29s     182ms  44/128 MB  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
⟳  news-digest  retrying 2/5  12:00 failed   in 29s       21s  –          ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
     └ 429 from groq, waiting 38s, then cerebras
✓  backup       ok            Sat 02:00 41s  Mon 02:00    52s  44/128 MB  ··▇·····················
!  db-export    late          running 44m    due 12:00  182ms  44/128 MB  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
     └ due 12:00, not started: job-77c still running since 11:20
✓  price-watch  ok            11:40 failed   in 29s     182ms  44/128 MB  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇!✗✗
     └ ✗ Expected ";" but found "prices"
         at plugins/price-watch.ts:31:7
         → fix the file; the version before goes on running
‖  newsletter   paused        –              –              –  44/128 MB  ························
·  mailer       new           –              –              –  44/128 MB  ························

2 dead letters   daruma dlq
`);
  });

  test('no line is wider than a hundred places, however long the names and the reasons', () => {
    const long = fleet.map((one) => ({
      ...one,
      name: `${one.name}-of-the-department-for-long-names`,
      why: `${one.why} ${'and so on '.repeat(40)}`,
    }));
    for (const line of statusLines(status({ agents: long }), look)) expect(widthOf(line)).toBeLessThanOrEqual(100);
  });

  test('it asks for somebody when a file is wrong, an agent is in trouble or a letter is dead', () => {
    const calm = agent();
    const idle = { code: 'PLUGIN_IDLE', message: 'nothing triggers mailer' };
    expect(needsYou(status({ agents: [calm], problems: [idle] }))).toBe(false);
    for (const trouble of [
      { state: 'late' },
      { state: 'quarantined' },
      { dead: 1 },
      { problem: { code: 'X', message: 'y' } },
    ] satisfies Partial<AgentView>[]) {
      expect(needsYou(status({ agents: [calm, agent(trouble)] }))).toBe(true);
    }
    expect(needsYou(status({ agents: [calm], incidents: { open: 1, healedToday: 0 } }))).toBe(true);
    expect(needsYou(status({ agents: [calm], problems: [{ code: 'AGENT_INVALID', message: 'x' }] }))).toBe(true);
  });

  test('the alerts that hold are one line: how many, the first of them, the next command', () => {
    const worst = {
      id: 'al-1',
      severity: 'open' as const,
      agent: 'shop',
      title: 'shop has failed',
      next: 'daruma dlq',
    };
    const line = (firing: number, next = 'daruma dlq') =>
      statusLines(status({ alerts: { firing, worst: { ...worst, next, since: '2026-11-22T10:40:00.000Z' } } }), look);
    expect(line(1)).toContain('✗ 1 alert: shop has failed since 11:40   → daruma dlq');
    expect(line(3)).toContain('✗ 3 alerts, first of them: shop has failed since 11:40   → daruma dlq');
    const long = `daruma ${'x'.repeat(80)}`;
    expect(line(3, long).slice(-4, -2)).toEqual([
      '✗ 3 alerts, first of them: shop has failed since 11:40',
      `  → ${long}`,
    ]);
    expect(statusLines(status({ alerts: { firing: 0, worst: null } }), look).join('\n')).not.toContain('alert');
  });

  test('a problem that an agent shows already is not told twice', () => {
    const problem = { code: 'COMPILE', message: 'a brace is missing', file: 'plugins/x.ts' };
    const lines = statusLines(status({ agents: [agent({ problem })], problems: [problem] }), look);
    expect(lines.filter((line) => line.includes('a brace is missing'))).toHaveLength(1);
  });

  test('agents that are off stand together below the others, each with the line that holds it', () => {
    const off = (name: string, line: number) =>
      agent({ name, state: 'off', why: `switched off in agents/${name}.yaml:${line}` });
    const wrong = agent({ name: 'wrong', state: 'off', why: 'rejected: x', problem: { code: 'X', message: 'x' } });
    const lines = statusLines(status({ agents: [off('post-x', 6), agent(), wrong, off('nightly', 3)] }), look);
    const title = lines.indexOf('2 agents are off; on without their line "enabled: false":');
    expect(lines[title + 1]).toBe('  post-x agents/post-x.yaml:6 · nightly agents/nightly.yaml:3');
    expect(lines.slice(0, title).join('\n')).toContain('wrong');
    expect(lines.slice(0, title).join('\n')).not.toContain('post-x');
    expect(statusLines(status({ agents: [off('nightly', 3)] }), look).join('\n')).toContain('1 agent is off');
  });

  test('an installation without agents says how to get one', () => {
    expect(statusLines(status({ agents: [] }), look).join('\n')).toContain('daruma new hello');
  });
});

test('one agent in full', () => {
  const facts = {
    values: [
      { path: 'limits.memory', value: '128MB', origin: 'default' },
      { path: 'limits.timeout', value: '60s', origin: 'plugins/x.ts' },
      { path: 'needs.net', value: ['api.shop.example'], origin: 'agents/x.yaml:6:3' },
      { path: 'needs.secrets', value: [], origin: 'default' },
      { path: 'needs.exec', value: [{ command: 'git', args: ['log', '*'] }], origin: 'agents/x.yaml:7:3' },
      { path: 'needs.llm', value: { calls: 5, tokens: 500_000, money: 0.5 }, origin: 'agents/x.yaml:8:3' },
    ],
    jobs: [job(), job({ id: 'job-a00', state: 'dead', error: { code: 'X', message: 'prices is not iterable' } })],
  };
  expect(text(agentLines(agent({ dead: 1 }), facts, look))).toBe(`
✓ api-health  ok                                       plugin api-health  version 9c1e77ab
  about      Fails when the API is slow.
  schedule   * * * * * · Europe/Berlin · next in 29s
  limits     memory 128MB · timeout 60s
  needs      net api.shop.example · exec git log * · llm 5 calls, 500,000 tokens, $0.50 a day
  workers    1 now, 0 to 1 · memory 44/128 MB
  24 h       1440 done · 0 dead · p95 182ms   ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
  queue      0 waiting · 1 dead letter
  why        the latest job is done

   JOB      AGENT       STATE  FROM      QUEUED   TOOK  WHAT CAME OF IT
✓  job-a01  api-health  done   schedule  12:04   182ms  {"status":200}
✗  job-a00  api-health  dead   schedule  12:04   182ms  prices is not iterable

  → daruma dlq   daruma logs api-health --level error
`);
});

test('an agent whose workers follow its load tells the newest change, and why', () => {
  const why = 'they were at work 98 % of their time, the first job has waited 340ms';
  const change = { at: '2026-11-22T11:04:19.000Z', from: 2, to: 4, reason: 'high-load' as const, why };
  const scaling = { target: 4, busy: 0.98, queueWaitMs: 340, cpu: 0.2, change };
  const lineOf = (more: object) => text(agentLines(agent(more), { values: [], jobs: [] }, { ...look, width: 200 }));
  expect(lineOf({ scaling })).toContain(`  scaling    2 → 4 workers 12s ago: ${why}\n`);
  expect(lineOf({ scaling: { ...scaling, change: null } })).not.toContain('scaling');
  expect(lineOf({ scaling: null })).not.toContain('scaling');
});

test('an agent with pools of PostgreSQL tells their use, and what jobs did not give back', () => {
  const facts = { values: [], jobs: [] };
  const pools = { held: 3, idle: 1, waiting: 2, max: 4, takenBack: 0 };
  const lineOf = (more: object) => text(agentLines(agent({ pools: { ...pools, ...more } }), facts, look));
  expect(lineOf({})).toContain('  postgres   3 of 4 connections in use · 1 idle · 2 waiting\n');
  expect(lineOf({ takenBack: 7 })).toContain('2 waiting · 7 taken back from jobs');
  expect(text(agentLines(agent({ pools: null }), facts, look))).not.toContain('postgres');
});

describe('jobs', () => {
  test('a retrying job says which attempt failed and when the next one is', () => {
    const waiting = job({
      state: 'retrying',
      attempt: 2,
      runAt: '2026-11-22T11:05:09.000Z',
      error: { code: 'X', message: '502' },
    });
    expect(jobTable([waiting], look)[1]).toContain('retrying 2/5');
    expect(jobTable([waiting], look)[1]).toContain('again in 38s: 502');
  });

  test('a job in full tells each failed attempt with its place', () => {
    const failure = {
      attempt: 1,
      startedAt: '2026-11-22T11:04:00.000Z',
      finishedAt: '2026-11-22T11:04:01.000Z',
      worker: 'w4',
      error: { code: 'TypeError', message: 'prices is not iterable', file: 'plugins/x.ts', line: 31 },
    };
    const dead = job({
      state: 'dead',
      result: null,
      trigger: 'manual',
      slot: null,
      cause: 'f-b20',
      error: failure.error,
      failures: [failure],
    });
    expect(text(jobLines(dead, look))).toBe(`
✗ job-a01  api-health  dead
  from       manual
  queued     Sun 2026-11-22 12:04:00 (+01:00), 31s ago
  started    Sun 2026-11-22 12:04:00 (+01:00), 31s ago
  ended      Sun 2026-11-22 12:04:00 (+01:00), 31s ago, took 182ms
  attempt    1 of 5
  version    9c1e77ab0011
  cause      f-b20

  attempt 1 failed Sun 2026-11-22 12:04:01 (+01:00) on w4 after 1.0s
  ✗ prices is not iterable
    at plugins/x.ts:31

  → daruma replay job-a01   daruma logs api-health --job job-a01
`);
  });
});

test('why: the sentence, then each step; another day is named', () => {
  const why = {
    agent: 'backup',
    slot: '2026-11-21T01:00:00.000Z',
    state: 'ran',
    sentence: 'backup was due Sat 2026-11-21 02:00:00 (+01:00) → it ran, but late',
    steps: [
      { at: '2026-11-21T01:00:00.000Z', what: 'planned', why: null },
      { at: '2026-11-21T01:15:00.000Z', what: 'late', why: 'worker busy: job-77c is still running' },
      { at: '2026-11-22T01:18:21.000Z', what: 'ok', why: '41s' },
    ],
  };
  expect(text(whyLines(why, look))).toBe(`
backup was due Sat 2026-11-21 02:00:00 (+01:00) → it ran, but late
                 02:00:00  planned
                 02:15:00  late     worker busy: job-77c is still running
  Sun 2026-11-22 02:18:21  ok       41s
`);
});

describe('log lines', () => {
  const line = (over: Partial<LogLine>): LogLine => ({
    time: '2026-11-22T11:00:08.200Z',
    level: 'info',
    msg: 'fetched 212 items',
    ...over,
  });

  test('time of the plugin, who, level, message, data', () => {
    const one = line({
      at: '2026-11-22T11:00:08.120Z',
      agent: 'price-watch',
      job: 'job-a01',
      worker: 'w4',
      data: { ms: 310, from: 'a b' },
    });
    expect(logLines(one, look, { agent: true, job: true })).toEqual([
      '12:00:08.120 price-watch w4 job-a01 INFO  fetched 212 items  ms=310 from="a b"',
    ]);
  });

  test('the room of a line of the host, its own fields, and the stack below', () => {
    const error = { message: 'boom', stack: 'Error: boom\n    at run (plugins/x.ts:31:2)\n    at next' };
    expect(
      logLines(line({ level: 'error', msg: 'a job failed', room: 'jobs', error }), look, { agent: true, job: true }),
    ).toEqual([
      '12:00:08.200 jobs ERROR a job failed  error={"message":"boom"}',
      '    at run (plugins/x.ts:31:2)',
      '    at next',
    ]);
  });

  test('a failure that the message tells already is its code, with the place and the next step below', () => {
    const fault = {
      code: 'ERR_ACCESS_DENIED',
      message: 'access denied',
      file: 'plugins/x.ts',
      line: 3,
      next: 'add read',
    };
    const one = line({ level: 'warn', msg: 'job-3 failed: access denied', fault, event: 'job.failed' });
    expect(logLines(one, look, { agent: false, job: false })).toEqual([
      '12:00:08.200 WARN  job-3 failed: access denied  fault=ERR_ACCESS_DENIED',
      '    at plugins/x.ts:3',
      '    → add read',
    ]);
  });

  test('a new day gets a line of its own, once', () => {
    const before = Date.parse('2026-11-21T20:00:00.000Z');
    expect(logLines(line({}), look, { agent: false, job: false, before })[0]).toContain('Sun 2026-11-22');
    expect(logLines(line({}), look, { agent: false, job: false })).toHaveLength(1);
  });
});
