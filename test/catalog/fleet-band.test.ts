import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canTell,
  FLEET_BANDS,
  type FleetFacts,
  goodBy,
  type HostRecord,
  judgeFleet,
  judgeFleetAppeal,
  NO_TALLY,
  type Struck,
  type Witness,
} from '../../src/catalog/rollout/fleet-band.ts';
import { noRuns, type ProbationRunEnd, type ProbationRuns, withEnd } from '../../src/catalog/rollout/probation.ts';

const HOUR = 3_600_000;
const done = (ms = 10): ProbationRunEnd => ({ is: 'done', ms });
const failed = (cause = 'f-1', code = 'ERROR'): ProbationRunEnd => ({
  is: 'failed',
  at: 5_000,
  fault: { code, message: 'it broke' },
  cause,
});
const times = (count: number, end: ProbationRunEnd) => Array.from({ length: count }, () => end);
const runs = (...ends: ProbationRunEnd[]): ProbationRuns => ends.reduce((all, end) => withEnd(all, end), noRuns(0));
const steady = runs(...times(50, done()));

function witness(agent: string, since: ProbationRuns, more: Partial<Witness> = {}): Witness {
  return { agent, before: steady, since, lateBefore: NO_TALLY, lateSince: NO_TALLY, ...more };
}
const NO_HOSTS: HostRecord = { ended: 0, lost: 0 };
function judge(witnesses: Witness[], now = 10_000, hosts: Partial<FleetFacts['hosts']> = {}) {
  return judgeFleet({ witnesses, hosts: { before: NO_HOSTS, since: NO_HOSTS, ...hosts }, since: 0, now });
}
const broken = runs(...times(3, failed()));
const fine = runs(...times(3, done()));

/** Numbers that are the same each time. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('an agent', () => {
  it('can tell something of the settings when it has a history and did well until the change', () => {
    expect(canTell(steady)).toBe(true);
    expect(canTell(runs(...times(4, done())))).toBe(false);
    expect(canTell(runs(...times(10, done()), failed()))).toBe(false);
    expect(canTell(runs(...times(10, failed()), done()))).toBe(false);
    expect(canTell(runs(...times(3, failed()), ...times(9, done())))).toBe(true);
  });
});

describe('settings of the host on probation', () => {
  it('are bad when two agents do worse than before, and when the only one does', () => {
    expect(judge([witness('a', broken), witness('b', broken), witness('c', fine)])).toMatchObject({
      is: 'bad',
      kind: 'fleet',
      why: '2 of 3 agents do worse than before: a failed 3 of 3 runs: it broke (before: 0 of 50); b failed 3 of 3 runs: it broke (before: 0 of 50)',
      struck: [
        { agent: 'a', cause: 'f-1', times: 3 },
        { agent: 'b', cause: 'f-1', times: 3 },
      ],
    });
    expect(judge([witness('a', broken)])).toMatchObject({ is: 'bad', struck: [{ agent: 'a' }] });
  });

  it('are not blamed for one agent that fails alone, be it the only one that has run yet', () => {
    expect(judge([witness('a', broken), witness('b', fine)])).toEqual({ is: 'wait' });
    expect(judge([witness('a', broken), witness('b', noRuns(0))])).toEqual({ is: 'wait' });
  });

  it('are not bad at the first crash: that is the plugin’s own far more often', () => {
    const crash = (count: number) => runs(...times(count, failed('f-2', 'OUT_OF_MEMORY')));
    expect(judge([witness('a', crash(1)), witness('b', crash(1))])).toEqual({ is: 'wait' });
    expect(judge([witness('a', crash(3)), witness('b', crash(3))])).toMatchObject({ is: 'bad' });
  });

  it('are bad when agents become slow', () => {
    const slow = runs(...times(5, done(9_000)));
    expect(judge([witness('a', slow), witness('b', slow)])).toMatchObject({
      is: 'bad',
      struck: [{ kind: 'slow' }, { kind: 'slow' }],
    });
  });

  it('are bad when slots of several agents begin late that did not', () => {
    const late =
      (hits: number, of: number, lateBefore = { hits: 0, of: 30 }) =>
      (agent: string) =>
        witness(agent, fine, { lateSince: { hits, of }, lateBefore });
    expect(judge(['a', 'b'].map(late(3, 5)))).toMatchObject({
      is: 'bad',
      struck: [{ kind: 'late', why: 'began late in 3 of 5 slots (before: 0 of 30)' }, { kind: 'late' }],
    });
    expect(judge(['a', 'b'].map(late(2, 5)))).toEqual({ is: 'wait' });
    expect(judge(['a', 'b'].map(late(3, 5, { hits: 20, of: 30 })))).toEqual({ is: 'wait' });
  });

  it('are bad when two hosts were lost, unless hosts were lost before as well', () => {
    const hosts = { since: { ended: 2, lost: 2 }, before: { ended: 20, lost: 0 } };
    expect(judge([], 1_000, hosts)).toMatchObject({
      is: 'bad',
      kind: 'lost',
      why: '2 of 2 hosts were lost (before: 0 of 20)',
    });
    expect(judge([], 1_000, { ...hosts, since: { ended: 2, lost: 1 } })).toEqual({ is: 'wait' });
    expect(judge([], 1_000, { ...hosts, before: { ended: 20, lost: 12 } })).toEqual({ is: 'wait' });
  });

  it('are good after 200 runs and half a minute, after 20 and an hour, and after a day in any case', () => {
    const many = [witness('a', runs(...times(120, done()))), witness('b', runs(...times(80, done())))];
    expect(judge(many, FLEET_BANDS.leastMs - 1)).toEqual({ is: 'wait' });
    expect(judge(many, FLEET_BANDS.leastMs)).toMatchObject({ is: 'good' });
    const few = [witness('a', runs(...times(20, done())))];
    expect(judge(few, HOUR - 1)).toEqual({ is: 'wait' });
    expect(judge(few, HOUR)).toMatchObject({ is: 'good', why: '20 runs were done in 1h' });
    expect(judge([witness('a', fine)], 24 * HOUR - 1)).toEqual({ is: 'wait' });
    expect(judge([witness('a', fine)], 24 * HOUR)).toMatchObject({ is: 'good' });
  });

  it('are good after an hour when nobody can tell anything, and not while one agent does worse', () => {
    expect(judge([], HOUR - 1)).toEqual({ is: 'wait' });
    expect(judge([], HOUR)).toMatchObject({ is: 'good' });
    expect(goodBy(0, 5)).toBe(HOUR + 5);
    expect(goodBy(3, 5)).toBe(24 * HOUR + 5);
    const one = [witness('a', broken), witness('b', runs(...times(300, done())))];
    expect(judge(one, 2 * HOUR)).toEqual({ is: 'wait' });
  });

  it('are never bad when no agent fails more than before, whoever looks when', () => {
    const histories = fc.array(
      fc.record({ before: fc.integer({ min: 5, max: 60 }), since: fc.nat(60), ms: fc.integer({ min: 1, max: 900 }) }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(histories, fc.nat(25 * HOUR), (agents, now) => {
        const witnesses = agents.map(({ before, since, ms }, i) =>
          witness(`a-${i}`, runs(...times(since, done(ms))), { before: runs(...times(before, done(ms))) }),
        );
        expect(judge(witnesses, now).is).not.toBe('bad');
      }),
    );
  });

  it('are blamed only on agents that do worse, and on more of them the larger the fleet', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 12 }), (size, struck) => {
        const witnesses = Array.from({ length: size }, (_, i) => witness(`a-${i}`, i < struck ? broken : fine));
        const decision = judge(witnesses);
        const found = Math.min(struck, size);
        if (decision.is === 'bad') {
          expect(decision.struck).toHaveLength(found);
          expect(judge(witnesses.slice(0, Math.max(2, size - 1))).is).toBe('bad');
        }
        if (found < Math.min(2, size)) expect(decision.is).not.toBe('bad');
        if (found >= 2 && size <= 20) expect(decision.is).toBe('bad');
        if (found === 2 && size > 40) expect(decision.is).not.toBe('bad');
      }),
    );
  });

  it('under which the fleet does what it did are hardly ever bad, in fleets of every size', () => {
    let bad = 0;
    const fleets = 240;
    const chance = chances(11);
    for (let fleet = 0; fleet < fleets; fleet++) {
      const size = [1, 2, 5, 20][fleet % 4]!;
      const rates = Array.from({ length: size }, (_, i) => ((fleet + i) % 5) / 12);
      const end = (rate: number) => (chance() < rate ? failed() : done());
      const agents = rates.map((rate, i) => ({
        rate,
        before: runs(...Array.from({ length: 100 }, () => end(rate))),
        i,
      }));
      let witnesses = agents
        .filter(({ before }) => canTell(before))
        .map(({ before, i }) => witness(`a-${i}`, noRuns(0), { before }));
      for (let run = 0; run < 30; run++) {
        witnesses = witnesses.map((one) => ({
          ...one,
          since: withEnd(one.since, end(rates[Number(one.agent.slice(2))]!)),
        }));
        if (judge(witnesses).is !== 'bad') continue;
        bad += 1;
        break;
      }
    }
    expect(bad / fleets).toBeLessThan(0.03);
  });
});

describe('what the agents say of the good settings', () => {
  const struck = (agent: string, more: Partial<Struck> = {}): Struck => ({
    agent,
    kind: 'errors',
    why: 'failed 3 of 3 runs: it broke',
    cause: 'f-1',
    times: 3,
    ...more,
  });
  const say = (list: Struck[], since: Record<string, ProbationRuns>, before = steady) =>
    judgeFleetAppeal(list, (agent) => (since[agent] ? { before, since: since[agent] } : undefined));

  it('excuses the others when each of them fails in the same way', () => {
    const both = [struck('a'), struck('b')];
    expect(say(both, { a: broken, b: broken })).toBe('excused');
    expect(say(both, { a: broken, b: noRuns(0) })).toBe('wait');
    expect(say(both, { a: broken })).toBe('wait');
    expect(say(both, { a: broken, b: runs(...times(3, failed('f-9'))) })).toBe('wait');
  });

  it('upholds it as soon as one does what it could not', () => {
    expect(say([struck('a'), struck('b')], { a: broken, b: fine })).toBe('upheld');
    expect(say([struck('a', { kind: 'late', cause: null })], {})).toBe('upheld');
  });

  it('excuses slowness that stays, and upholds it when it goes', () => {
    const slow = struck('a', { kind: 'slow', cause: 'slow', times: 0 });
    expect(say([slow], { a: runs(...times(3, done(9_000))) })).toBe('excused');
    expect(say([slow], { a: runs(...times(3, done(10))) })).toBe('upheld');
    expect(say([slow], { a: runs(...times(2, done(9_000))) })).toBe('wait');
  });
});
