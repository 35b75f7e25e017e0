import { expect, it } from 'vitest';
import { recordOutcomes } from '../../src/host/records.ts';
import type { Settlement } from '../../src/jobs/ports.ts';
import { silentLog } from '../../src/kernel/log.ts';

const dead = (job: string, code: string, cause: string): Settlement => ({
  job,
  attempt: 1,
  state: 'dead',
  startedAt: 0,
  finishedAt: 5,
  error: { code, message: 'it failed' },
  cause,
});

it('what no other attempt can help is told in full once, then in short, until it is over', () => {
  const told: string[] = [];
  const log = {
    ...silentLog,
    info: (message: string) => told.push(`info ${message}`),
    error: (message: string) => told.push(`error ${message}`),
  };
  const tell = recordOutcomes(log);
  tell(dead('job-1', 'NOT_IN_NEEDS', 'f-a'), 'a');
  tell(dead('job-2', 'NOT_IN_NEEDS', 'f-a'), 'a');
  tell(dead('job-3', 'NOT_IN_NEEDS', 'f-a'), 'b');
  tell(dead('job-4', 'NOT_IN_NEEDS', 'f-b'), 'a');
  tell({ ...dead('job-5', '', 'f-b'), state: 'done', error: null }, 'a');
  tell(dead('job-6', 'NOT_IN_NEEDS', 'f-b'), 'a');
  tell(dead('job-7', 'ERROR', 'f-c'), 'a');
  tell(dead('job-8', 'ERROR', 'f-c'), 'a');
  const full = (job: string, agent: string, rest = 'not tried again: no other attempt can help') =>
    `error ${job} of ${agent} failed: it failed; ${rest}`;
  expect(told).toEqual([
    full('job-1', 'a'),
    'info job-2 of a failed as job-1 did, 2 in a row (f-a); not tried again',
    full('job-3', 'b'),
    full('job-4', 'a'),
    full('job-6', 'a'),
    full('job-7', 'a', 'given up'),
    full('job-8', 'a', 'given up'),
  ]);
});
