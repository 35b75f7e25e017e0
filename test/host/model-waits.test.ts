import { expect, it } from 'vitest';
import type { Incident } from '../../src/healing/ports.ts';
import { createModelWaits } from '../../src/host/models/model-waits.ts';
import { waitOrGiveUp } from '../../src/jobs/waiting.ts';
import { DAY_MS } from '../../src/kernel/measures.ts';
import { Clock } from '../healing/world.ts';

function world() {
  const clock = new Clock();
  const state = { changes: 0, listening: true };
  const waits = createModelWaits({
    time: clock,
    isListening: () => state.listening,
    changed: () => void state.changes++,
  });
  return { clock, state, waits };
}
const ref = (n: number) => ({ job: `job-${n}`, attempt: 1 });
const down = (retryAt: number | string) => ({
  code: 'MODELS_DOWN',
  message: 'no model answers (groq: 503)',
  data: { retryAt },
});
const NAME = 'the chain of models';

it('a job whose call no rung answered waits for the chain, if its attempt failed of that', () => {
  const { clock, waits } = world();
  const retryAt = clock.wall + 30_000;
  waits.refused(ref(1), 'triage', down(new Date(retryAt).toISOString()));
  const held = { until: retryAt, waitsFor: NAME };
  expect(waits.heldUp(ref(1), 'triage', down(0))).toEqual(held);
  const wrapped = { code: 'AI_RetryError', message: 'Failed: no model answers (groq: 503)' };
  expect(waits.heldUp(ref(1), 'triage', wrapped)).toEqual(held);
  expect(waits.heldUp(ref(1), 'triage', { code: 'TypeError', message: 'x is undefined' })).toBeUndefined();
  expect(waits.heldUp(ref(2), 'triage', down(retryAt))).toBeUndefined();
  waits.ended([ref(1)]);
  expect(waits.heldUp(ref(1), 'triage', down(0))).toBeUndefined();
});

it('an outage of the chain is one, with all that it strikes, until a call is answered', () => {
  const { clock, state, waits } = world();
  const retryAt = clock.wall + 30_000;
  for (let n = 0; n < 3; n++) waits.refused(ref(n), n === 2 ? 'sort' : 'triage', down(retryAt));
  expect(waits.outageSource.outages()).toMatchObject([
    { origin: NAME, refused: 3, agents: ['triage', 'sort'], jobs: ['job-0', 'job-1', 'job-2'], probeAt: retryAt },
  ]);
  expect(state.changes).toBe(3);
  waits.answered('sort');
  expect(waits.outageSource.outages()).toEqual([]);
  expect(waits.outageSource.recovery(NAME)).toMatchObject({ refused: 3, jobs: 3, how: 'a call of sort was answered' });
});

it('a pause of seconds is no incident, unless it does not end', () => {
  const { clock, waits } = world();
  waits.refused(ref(1), 'triage', down(clock.wall + 2_000));
  expect(waits.outageSource.outages()).toEqual([]);
  clock.wall += 11_000;
  expect(waits.outageSource.outages()).toHaveLength(1);
});

it('a spent budget is an incident of its own until its day is over, and its jobs may wait for more than one', () => {
  const { clock, waits } = world();
  const until = clock.wall + 3_600_000;
  const spent = { code: 'BUDGET_SPENT', message: 'triage has spent 9 of 9 calls', data: { whose: 'agent', until } };
  waits.refused(ref(1), 'triage', spent);
  const holdUp = waits.heldUp(ref(1), 'triage', spent)!;
  expect(holdUp).toMatchObject({ until, waitsFor: 'the budget of models of triage' });
  expect(waits.outageSource.outages()).toMatchObject([
    { origin: 'the budget of models of triage', agents: ['triage'] },
  ]);
  const [startedAt, finishedAt] = [clock.wall - 25 * 3_600_000, clock.wall];
  const facts = { fault: spent, holdUp, startedAt, finishedAt, before: { error: null, staleAt: null } };
  expect(waitOrGiveUp(facts)).toMatchObject({ isFree: true, retry: 3_600_000 });
  expect(waitOrGiveUp({ ...facts, startedAt: clock.wall - 3 * DAY_MS })).toMatchObject({ retry: false });
  clock.wall = until;
  expect(waits.outageSource.outages()).toEqual([]);
  expect(waits.outageSource.recovery('the budget of models of triage')).toMatchObject({ how: 'a new day has begun' });
  waits.refused(ref(1), 'triage', { ...spent, data: { until: until + 3_600_000 } });
  expect(waits.outageSource.outages()).toMatchObject([{ origin: 'the budget of models' }]);
});

it('a gateway that is lost costs no attempt; a plugin that only says so waits for nothing', () => {
  const { clock, state, waits } = world();
  clock.wall += 100_000;
  expect(waits.heldUp(ref(1), 'triage', down(clock.wall))).toBeUndefined();
  state.listening = false;
  expect(waits.heldUp(ref(1), 'triage', down(clock.wall))).toEqual({ until: clock.wall + 5_000, waitsFor: NAME });
  state.listening = true;
  waits.listens();
  expect(waits.heldUp(ref(1), 'triage', down(clock.wall))).toBeDefined();
  clock.wall += 60_000;
  expect(waits.heldUp(ref(1), 'triage', down(clock.wall))).toBeUndefined();
});

it('the incident of the host before goes on', () => {
  const { clock, waits } = world();
  const incident = (origin: string) => {
    const fault = { code: 'ORIGIN_DOWN', message: 'x', data: { origin } };
    return { verdict: 'failing-over', openedAt: clock.wall - 5_000, evidence: { fault } } as unknown as Incident;
  };
  waits.takeOver([incident(NAME), incident('the budget of models'), incident('https://a.example')]);
  expect(waits.outageSource.outages()).toMatchObject([{ origin: NAME, since: clock.wall - 5_000 }]);
});
