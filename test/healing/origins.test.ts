import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallEnd } from '../../src/kernel/origin.ts';
import { HOUR, MINUTE, quiet, type World, world } from './world.ts';

const API = 'http://127.0.0.1:4001';
const NEIGHBOUR = 'http://127.0.0.1:4002';
const BAD: CallEnd = { is: 'bad', ms: 5, failure: { what: '503 Service Unavailable', status: 503 } };
const GOOD: CallEnd = { is: 'good', ms: 5 };
const mayReach = () => true;

let w: World;
let jobs = 0;
beforeEach(async () => {
  w = await world();
});
afterEach(() => w.healer.stop());

/** One call of a new job; refused, or with that end. A job that is refused waits. */
function call(end: CallEnd, { agent = 'a', origin = API } = {}) {
  const ref = { job: `job-${++jobs}`, attempt: 1 };
  const admission = w.origins.admit({ ...ref, agent, origin, alone: false, mayReach });
  if (admission.is === 'go') {
    const down = w.origins.callEnded({ ...ref, meant: origin, origin: admission.origin, pass: admission.pass, end });
    if (down) w.origins.heldUp(ref, { agent, mayReach });
  } else w.origins.heldUp(ref, { agent, mayReach });
  w.origins.ended([ref]);
  return admission.is;
}

async function fall(origin = API) {
  for (let failure = 0; failure < 3; failure++) {
    call(BAD, { origin });
    await w.clock.pass(400);
  }
}

describe('a server that is down', () => {
  it('is one incident: with its failures, whom it strikes, and what is done, in order', async () => {
    await fall();
    for (const agent of ['a', 'b', 'b']) call(BAD, { agent });
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    const incident = w.incident();
    expect(incident).toMatchObject({
      agent: null,
      verdict: 'failing-over',
      state: 'open',
      seen: `${API} is down: 503 Service Unavailable`,
      jobs: [expect.stringMatching(/^job-\d+$/)],
      evidence: { fault: { code: 'ORIGIN_DOWN', data: { origin: API, failures: [{}, {}, { status: 503 }] } } },
    });
    expect(incident.remedies).toMatchObject([{ kind: 'fail-over', held: null }]);
    expect(incident.remedies[0]!.what).toMatch(
      /refused at once, and jobs that fail of that wait and lose no attempt; nobody is asked instead; one call goes out as the probe at 2026-11-24T12:00:05\.800Z, then at growing distances/,
    );
    expect(w.told('incident.opened')).toHaveLength(1);
  });

  it("is a drill's incident when only a drill met it, and the host's as soon as an agent did", async () => {
    for (let failure = 0; failure < 3; failure++) {
      call(BAD, { agent: 'drill-origin-down', origin: NEIGHBOUR });
      await w.clock.pass(400);
    }
    await quiet();
    expect(w.incident()).toMatchObject({ agent: 'drill-origin-down', verdict: 'failing-over' });
    await fall();
    await quiet();
    expect([...w.incidentStore.kept.values()].map(({ agent }) => agent)).toEqual(['drill-origin-down', null]);
  });

  it('is told again with each probe that failed, and heals with the one that is answered', async () => {
    await fall();
    await w.clock.pass(6_000);
    call(BAD, { agent: 'b' });
    await quiet();
    expect(w.incident()).toMatchObject({
      repeats: 1,
      evidence: { fault: { data: { probes: 1, agents: ['a', 'b'] } } },
    });
    expect(w.incident().remedies.map(({ kind, held }) => [kind, held])).toEqual([
      ['fail-over', false],
      ['probe', null],
    ]);
    await w.clock.pass(20_000);
    const at = w.clock.wall;
    expect(call(GOOD, { agent: 'b' })).toBe('go');
    await quiet();
    expect(w.incident()).toMatchObject({ state: 'healed', endedAt: at });
    expect(w.incident().remedies.at(-1)).toMatchObject({ kind: 'probe', held: true });
    expect(w.incident().timeline.at(-1)!.text).toBe('a call of b was answered; 0 calls were refused, 2 jobs waited');
    expect(w.healer.open()).toEqual([]);
  });

  it('is not healed by a job that is done without it, and is nothing of its agents', async () => {
    await fall();
    w.settle('a', 'done');
    const error = { code: 'ORIGIN_DOWN', message: 'down' };
    w.settle('a', 'retrying', { inMs: HOUR, attempts: 6, error });
    w.settle('a', 'dead', { error });
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    expect(w.incident().state).toBe('open');
  });

  it('asks somebody when it lasts, and goes on all the while', async () => {
    await fall();
    for (let second = 0; second < 1_800; second += 5) {
      call(BAD);
      await w.clock.pass(5_000);
    }
    expect(w.incidentStore.kept.size).toBe(1);
    expect(w.incident().state).toBe('escalated');
    expect(w.told('incident.escalated')).toHaveLength(1);
    await w.clock.pass(10 * MINUTE);
    call(GOOD);
    await quiet();
    expect(w.incident().state).toBe('healed');
  });

  it('is not taken for its neighbour, who differs in nothing but the port', async () => {
    await fall();
    await fall(NEIGHBOUR);
    expect(w.incidentStore.kept.size).toBe(2);
    await w.clock.pass(6_000);
    call(GOOD);
    await quiet();
    expect(w.incident('inc-1').state).toBe('healed');
    expect(w.incident('inc-2').state).toBe('open');
  });

  it('stays closed when a person has closed it, as long as it lasts', async () => {
    await fall();
    await w.healer.acknowledge('inc-1', 'known');
    await w.clock.pass(HOUR);
    call(BAD);
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    await w.clock.pass(HOUR);
    call(GOOD);
    await w.clock.pass(HOUR);
    await fall();
    await quiet();
    expect(w.incidentStore.kept.size).toBe(2);
  });

  it('is the same incident for the next host, healed by the first call that is answered', async () => {
    await fall();
    await w.restart();
    for (const { verdict, evidence, openedAt } of w.healer.open()) {
      if (verdict === 'failing-over') w.origins.suspect(String(evidence!.fault!.data!.origin), openedAt);
    }
    await w.clock.pass(MINUTE);
    expect(w.incident().state).toBe('open');
    call(GOOD);
    await quiet();
    expect(w.incidentStore.kept.size).toBe(1);
    expect(w.incident().state).toBe('healed');
  });

  it('is closed when nobody has asked for it for a day', async () => {
    await fall();
    await w.clock.pass(25 * HOUR);
    expect(w.incident()).toMatchObject({ state: 'closed' });
    expect(w.origins.view()).toEqual([]);
  });

  it('a network that is down is not a thousand incidents', async () => {
    for (let host = 0; host < 30; host++) await fall(`https://h${host}.example`);
    expect(w.incidentStore.kept.size).toBe(20);
  });
});
