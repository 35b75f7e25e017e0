import { expect, it } from 'vitest';
import { jobLines, jobTable } from '../../src/cli/text/job.ts';
import { plain } from '../../src/cli/text/paint.ts';
import { statusLines } from '../../src/cli/text/status.ts';
import type { OriginView } from '../../src/control/protocol.ts';
import { lastRun, stateWords } from '../../src/control/words/agent.ts';
import { jobState } from '../../src/control/words/job.ts';
import { agent, clock, job, NOW, status } from './views.ts';

const look = { clock, paint: plain, width: 140 };
const at = (ms: number) => new Date(NOW + ms).toISOString();
const origin = (over: Partial<OriginView> = {}): OriginView => ({
  origin: 'https://api.example',
  state: 'open',
  since: at(-480_000),
  probeAt: at(38_000),
  last: { at: at(-60_000), what: '503 Service Unavailable' },
  instead: [],
  calls: 9,
  failures: 6,
  refused: 4,
  p50Ms: 20,
  p95Ms: 40,
  ...over,
});

it('a server that is down is one line: since when, why, who is asked instead, when somebody looks again', () => {
  const origins = [
    origin(),
    origin({ origin: 'https://b.example', instead: ['https://c.example'], state: 'half-open', probeAt: null }),
    origin({ origin: 'https://well.example', state: 'closed', since: null, probeAt: null }),
  ];
  const lines = statusLines(status({ agents: [agent()], origins }), look);
  expect(lines.filter((line) => line.includes('https://'))).toEqual([
    '✗ https://api.example is down since 11:56: 503 Service Unavailable · asked again in 38s',
    '✗ https://b.example is down since 11:56: 503 Service Unavailable · instead https://c.example · a call is out to see',
  ]);
});

it('a job that waits never looks like one that fails', () => {
  const waiting = job({
    state: 'retrying',
    attempt: 3,
    attempts: 6,
    runAt: at(40_000),
    waitsFor: 'https://api.example',
    error: { code: 'ORIGIN_DOWN', message: 'https://api.example is down' },
    result: null,
  });
  expect(jobState(waiting)).toBe('waiting');
  expect(stateWords(agent({ state: 'retrying', lastJob: waiting }))).toBe('waiting');
  expect(lastRun(waiting, clock)).toBe('12:04 held up');
  expect(jobTable([waiting], look)[1]).toMatch(/waiting .*for https:\/\/api\.example, again in 40s/);
  const lines = jobLines(waiting, look).join('\n');
  expect(lines).toContain('waits for  https://api.example, which is down; no attempt is lost by it');
  expect(lines).toContain('attempt    3, and 3 left');
});

it('an agent that lacks something says so once, though a job of it waits for the same', () => {
  const message = 'the file system at /mnt/nas (nfs4), which backup names in needs, does not answer';
  const holdUp = { is: 'setup' as const, text: message, until: null, next: null };
  const lastJob = job({ state: 'queued', holdUp });
  const held = agent({
    state: 'needs setup',
    why: message,
    lastJob,
    problem: { code: 'DISK_SILENT', message, next: 'look at its disk' },
  });
  const text = statusLines(status({ agents: [held] }), look).join('\n');
  expect(text.split('does not answer')).toHaveLength(2);
  const waits = agent({ why: 'job-5 waits for its key', lastJob });
  expect(statusLines(status({ agents: [waits] }), look).join('\n')).toContain('job-5 waits for its key');
});
