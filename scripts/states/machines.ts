import { type Breaker, type BreakerEvent, newBreaker, stepBreaker } from '../../src/gateway/origins/breaker.ts';
import { ORIGIN_DEFAULTS } from '../../src/gateway/origins/terms.ts';
import { type AttemptEvent, type AttemptLife, stepAttempt } from '../../src/jobs/attempt-state.ts';
import { type JobEvent, type JobLife, newJob, stepJob } from '../../src/jobs/job-state.ts';
import { type SlotEvent, type SlotLife, stepSlot } from '../../src/schedule/slot-state.ts';
import { stepWorker, type WorkerEvent, type WorkerState } from '../../src/workers/worker-state.ts';
import type { Machine } from './machine.ts';

const terms = { attempts: 3, allowed: 3, staleAt: null };
const thisRun = { host: 'this host', run: 'this run' };
const nextRun = { host: 'this host', run: 'next run' };
const otherHost = { host: 'other host', run: 'its run' };
const lease = { owner: thisRun, leaseUntil: 60 };
const queued = newJob(10, 3, null);
const soon = { ...queued, staleAt: 30 };

export const job: Machine<JobLife, JobEvent> = {
  title: 'Job',
  file: 'src/jobs/job-state.ts',
  about:
    'A running job does what its attempt does. An end that names another attempt than the one that runs is refused: the fence.',
  step: stepJob,
  states: {
    queued,
    'queued, to start by 30': soon,
    'running, attempt 1 of 3': { ...terms, ...lease, is: 'running', attempt: 1, runAt: 10 },
    'running, attempt 3 of 3': { ...terms, ...lease, is: 'running', attempt: 3, runAt: 10 },
    retrying: { ...terms, is: 'retrying', attempt: 1, runAt: 10 },
    'retrying, to start by 30': { ...terms, is: 'retrying', attempt: 1, runAt: 10, staleAt: 30 },
    done: { ...terms, is: 'done', attempt: 1 },
    dead: { ...terms, is: 'dead', attempt: 3 },
    cancelled: { ...terms, is: 'cancelled', attempt: 1 },
  },
  events: {
    'claimed before it is due (10)': { is: 'claimed', now: 9, ...lease },
    'claimed at 20': { is: 'claimed', now: 20, ...lease },
    'claimed at 40': { is: 'claimed', now: 40, ...lease },
    'looked at after it is stale, at 40': { is: 'stale', now: 40 },
    'attempt 1 lease renewed': { is: 'renewed', attempt: 1, leaseUntil: 90 },
    'attempt 1 given back': { is: 'released', attempt: 1 },
    'attempt 3 given back': { is: 'released', attempt: 3 },
    'attempt 1 done': { is: 'done', attempt: 1 },
    'attempt 3 done': { is: 'done', attempt: 3 },
    'attempt 1 failed': { is: 'failed', attempt: 1, again: 80 },
    'attempt 3 failed': { is: 'failed', attempt: 3, again: 80 },
    'attempt 3 held up by an origin that is down': { is: 'failed', attempt: 3, again: 80, isFree: true },
    'attempt 1 gave up': { is: 'failed', attempt: 1, again: null },
    'attempt 1 lost with its host': { is: 'lost', attempt: 1, owner: nextRun, now: 40, again: 41 },
    'attempt 3 lost with its host': { is: 'lost', attempt: 3, owner: nextRun, now: 40, again: 41 },
    'attempt 1 called lost while its lease holds': { is: 'lost', attempt: 1, owner: thisRun, now: 40, again: 41 },
    'a late end of attempt 2': { is: 'done', attempt: 2 },
    'cancelled by a person or a replacing slot': { is: 'cancelled' },
    'attempt 1 cancelled': { is: 'cancelled', attempt: 1 },
    'promoted at 5': { is: 'promoted', now: 5 },
    redriven: { is: 'redriven', now: 100 },
    'dropped from the dead letters': { is: 'dropped' },
  },
};

export const attempt: Machine<AttemptLife, AttemptEvent> = {
  title: 'Attempt',
  file: 'src/jobs/attempt-state.ts',
  about: 'Held by one run of a host until its lease ends; it ends in exactly one way. Here it is attempt 2.',
  step: stepAttempt,
  states: {
    held: { is: 'held', attempt: 2, ...lease },
    done: { is: 'done', attempt: 2 },
    failed: { is: 'failed', attempt: 2 },
    released: { is: 'released', attempt: 2 },
    cancelled: { is: 'cancelled', attempt: 2 },
    lost: { is: 'lost', attempt: 2 },
  },
  events: {
    'lease renewed': { is: 'renewed', attempt: 2, leaseUntil: 90 },
    done: { is: 'done', attempt: 2 },
    failed: { is: 'failed', attempt: 2 },
    'given back, never started': { is: 'released', attempt: 2 },
    cancelled: { is: 'cancelled', attempt: 2 },
    'called lost by the host that holds it, in time': { is: 'lost', attempt: 2, owner: thisRun, now: 40 },
    'the host that holds it finds its lease over': { is: 'lost', attempt: 2, owner: thisRun, now: 60 },
    'the next run of its host finds it, in time': { is: 'lost', attempt: 2, owner: nextRun, now: 40 },
    'another host finds it, in time': { is: 'lost', attempt: 2, owner: otherHost, now: 40 },
    'another host finds it, its lease is over': { is: 'lost', attempt: 2, owner: otherHost, now: 60 },
    'any end of attempt 1': { is: 'done', attempt: 1 },
  },
};

const due = 100;
const reason = 'in words';

export const slot: Machine<SlotLife, SlotEvent> = {
  title: 'Slot',
  file: 'src/schedule/slot-state.ts',
  about:
    'A row before its time, unless nobody was there to write it. Cancelled before its time (100), it is planned anew when its agent or schedule comes back.',
  step: stepSlot,
  states: {
    unwritten: { is: 'unwritten', due },
    planned: { is: 'planned', due },
    ran: { is: 'ran', due, job: 'job-1' },
    skipped: { is: 'skipped', due, reason },
    missed: { is: 'missed', due, reason },
    'caught-up': { is: 'caught-up', due, job: 'job-1', reason },
    cancelled: { is: 'cancelled', due, reason },
  },
  events: {
    'planned at 50': { is: 'planned', now: 50 },
    'planned at 150': { is: 'planned', now: 150 },
    ran: { is: 'ran', job: 'job-2' },
    skipped: { is: 'skipped', reason },
    missed: { is: 'missed', reason },
    'caught up': { is: 'caught-up', job: 'job-2', reason },
    cancelled: { is: 'cancelled', reason },
  },
};

export const worker: Machine<WorkerState, WorkerEvent> = {
  title: 'Worker',
  file: 'src/workers/worker-state.ts',
  about: '`held` counts the attempts that it was given and that have not come back.',
  step: stepWorker,
  states: {
    'starting, holds 0': { is: 'starting', since: 0, held: 0 },
    'starting, holds 1': { is: 'starting', since: 0, held: 1 },
    idle: { is: 'idle', since: 0 },
    'busy, holds 1': { is: 'busy', held: 1 },
    'busy, holds 2': { is: 'busy', held: 2 },
    'draining, holds 1': { is: 'draining', held: 1 },
    'draining, holds 2': { is: 'draining', held: 2 },
    stopping: { is: 'stopping' },
    gone: { is: 'gone', because: null },
  },
  events: {
    ready: { is: 'ready', at: 1 },
    'given one attempt': { is: 'given', count: 1 },
    'one attempt back': { is: 'back', count: 1, at: 1 },
    drain: { is: 'drain' },
    ended: { is: 'ended', because: null },
  },
};

const outage = { since: 1_000, tries: 0 };
const bad = { is: 'bad', askedMs: 0, chance: 0.5 } as const;

export const breaker: Machine<Breaker, BreakerEvent> = {
  title: 'Breaker',
  file: 'src/gateway/origins/breaker.ts',
  about:
    'One for each origin that agents call. Round 2 is that of the states here: what came of a call of round 1, which went out before, changes nothing.',
  step: (state, event) => stepBreaker(state, event, ORIGIN_DEFAULTS),
  states: {
    closed: { ...newBreaker(), round: 2 },
    'closed, two failures in a row since 1000': {
      is: 'closed',
      round: 2,
      row: { count: 2, since: 1_000 },
      counted: [],
      relapse: null,
    },
    'open until 6000': { is: 'open', round: 2, ...outage, until: 6_000 },
    'half-open, a probe is out until 9000': { is: 'half-open', round: 2, ...outage, until: 9_000 },
  },
  events: {
    'asked at 5000': { is: 'asked', now: 5_000, withinMs: 3_000 },
    'asked at 6000': { is: 'asked', now: 6_000, withinMs: 3_000 },
    'asked at 9000': { is: 'asked', now: 9_000, withinMs: 3_000 },
    'a good answer at 1600': { is: 'good', round: 2, now: 1_600 },
    'a failure at 1400': { ...bad, round: 2, now: 1_400 },
    'a failure at 1600': { ...bad, round: 2, now: 1_600 },
    'its job ended first': { is: 'gone', round: 2, now: 1_600 },
    'a good answer of round 1': { is: 'good', round: 1, now: 1_600 },
    'a failure of round 1': { ...bad, round: 1, now: 1_600 },
  },
};
