import { expect, it } from 'vitest';
import type { Incident, Remedy, Verdict } from '../../src/healing/ports.ts';
import { isProof } from '../../src/healing/proof.ts';
import type { Settlement } from '../../src/jobs/ports.ts';

const T0 = Date.UTC(2026, 10, 27, 9);
const end = (values: Partial<Settlement> = {}): Settlement => ({
  job: 'job-9',
  attempt: 1,
  state: 'done',
  startedAt: T0 + 20,
  finishedAt: T0 + 30,
  worker: 'w2',
  ...values,
});
const incident = (verdict: Verdict, values: Partial<Incident> = {}) =>
  ({ verdict, openedAt: T0, jobs: ['job-1'], remedies: [], ...values }) as unknown as Incident;
const proves = (of: Incident, by: Settlement) => isProof({ incident: of, lastAt: T0 + 10, worker: 'w1' }, by);

it('a job that was done proves it when it began after the last signal, or was struck by the incident', () => {
  const crashed = incident('crashed');
  expect(proves(crashed, end())).toBe(true);
  expect(proves(crashed, end({ startedAt: T0 + 10 }))).toBe(true);
  expect(proves(crashed, end({ startedAt: T0 + 9 }))).toBe(false);
  expect(proves(crashed, end({ startedAt: T0 + 9, job: 'job-1' }))).toBe(true);
  expect(proves(crashed, end({ state: 'dead' }))).toBe(false);
  expect(proves(crashed, end({ state: 'retrying', job: 'job-1' }))).toBe(false);
});

it('any work that begins proves that nothing is late any more', () => {
  const late = incident('late');
  expect(proves(late, end({ state: 'dead', startedAt: T0 }))).toBe(true);
  expect(proves(late, end({ startedAt: T0 - 1 }))).toBe(false);
});

it('a leak is over when a job is done on another worker after the recycling, and not before', () => {
  const recycle = { kind: 'recycle', at: T0 + 20, what: 'w1 goes', held: null } as Remedy;
  const later = { kind: 'quarantine', at: T0 + 25, what: 'held', held: null } as Remedy;
  const leaking = incident('leaking', { remedies: [recycle, later] });
  expect(proves(leaking, end())).toBe(true);
  expect(proves(leaking, end({ startedAt: T0 + 19 }))).toBe(false);
  expect(proves(leaking, end({ state: 'dead' }))).toBe(false);
  expect(proves(leaking, end({ worker: 'w1' }))).toBe(false);
  expect(proves(incident('leaking'), end())).toBe(false);
  expect(proves(incident('leaking', { remedies: [{ ...later, at: T0 }] }), end())).toBe(false);
});

it.each(['pressed', 'disk-short', 'failing-over', 'looping', 'falling-behind', 'unscheduled'] as const)(
  'no job proves that %s is over',
  (verdict) => expect(proves(incident(verdict), end({ job: 'job-1' }))).toBe(false),
);
