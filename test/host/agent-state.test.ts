import { expect, it } from 'vitest';
import type { Listing } from '../../src/catalog/ports.ts';
import { type AgentStateFacts, agentState } from '../../src/host/api/agent-state.ts';
import type { Job } from '../../src/jobs/model.ts';
import { planHold } from '../../src/jobs/placement.ts';
import type { AgentOverview } from '../../src/jobs/ports.ts';
import { LATE_AFTER_MS } from '../../src/schedule/decide.ts';

const NOW = 1_000_000_000;
const listing: Listing = { name: 'a', plugin: 'a', is: 'live', why: '', problem: null };
const job = (more: Partial<Job>): Job =>
  ({ id: 'job-1', state: 'done', runAt: NOW, attempt: 1, attempts: 5, error: null, ...more }) as Job;
const overview = (more: Partial<AgentOverview>): AgentOverview => ({
  agent: 'a',
  queued: 0,
  running: 0,
  retrying: 0,
  dead: 0,
  newest: null,
  ended: null,
  ...more,
});
const state = (more: Partial<AgentStateFacts>) =>
  agentState({ listing, overview: undefined, hold: null, nextSlot: undefined, now: NOW, ...more } as AgentStateFacts);

it('is new before its first job, ok after a good one, failed after a dead one', () => {
  expect(state({}).state).toBe('new');
  expect(state({ overview: overview({ ended: job({}), newest: job({}) }) }).state).toBe('ok');
  const dead = job({ state: 'dead', attempt: 5, error: { code: 'E', message: 'no luck' } });
  expect(state({ overview: overview({ ended: dead, newest: dead }) })).toEqual({
    state: 'failed',
    why: 'job-1 gave up after 5 attempts: no luck',
  });
});

it('never shows a retrying job as a running one', () => {
  const waiting = job({
    state: 'retrying',
    attempt: 2,
    runAt: NOW + 38_000,
    error: { code: 'E', message: '429 from groq' },
  });
  expect(state({ overview: overview({ retrying: 1, newest: waiting }) })).toEqual({
    state: 'retrying',
    why: 'attempt 2 of 5 failed: 429 from groq; next in 38s',
  });
});

it('says of a job that waits for a server what it waits for, and that it loses nothing by it', () => {
  const data = { waitsFor: 'https://api.example', waitsSince: new Date(NOW - 120_000).toISOString() };
  const error = { code: 'ORIGIN_DOWN', message: 'https://api.example is down', data };
  const waiting = job({ state: 'retrying', attempt: 4, attempts: 8, runAt: NOW + 38_000, error });
  expect(state({ overview: overview({ retrying: 1, newest: waiting }) })).toEqual({
    state: 'retrying',
    why: 'job-1 waits for https://api.example since 2m and loses no attempt; next try in 38s',
  });
});

it('is late when a slot is past its grace, and when a job waits for a worker', () => {
  expect(state({ nextSlot: NOW - LATE_AFTER_MS + 1 }).state).toBe('new');
  expect(state({ nextSlot: NOW - LATE_AFTER_MS - 1 }).state).toBe('late');
  const waiting = job({ state: 'queued', runAt: NOW - LATE_AFTER_MS - 1 });
  expect(state({ overview: overview({ queued: 1, newest: waiting }) }).state).toBe('late');
});

it('tells off and paused before anything else, with the reason', () => {
  const running = overview({ running: 1, newest: job({ state: 'running' }) });
  const hold = planHold({ name: 'a', pause: { since: NOW, until: null } });
  expect(state({ hold, overview: running })).toEqual({ state: 'paused', why: 'paused by hand' });
  const problem = { code: 'X', message: 'a comma is missing', file: 'plugins/a.ts', line: 3, column: 7 };
  expect(state({ listing: { ...listing, is: 'rejected', problem } })).toEqual({
    state: 'off',
    why: 'rejected: plugins/a.ts:3:7 a comma is missing',
  });
});
