import { describe, expect, test } from 'vitest';
import { added, claimed, done, freshStore, HOUR, type OpenStore, T0 } from './world.ts';

/** Laws of effects, state, pauses, events, heartbeats and findings. */
export function recordLaws(open: OpenStore): void {
  const { store, other, at } = freshStore(open);

  describe('effects', () => {
    const begun = async () => {
      await added(store(), [{}]);
      return (await claimed(store()))[0]!;
    };

    test('an effect is new, then unknown while it has no end, then done with its result', async () => {
      const ref = await begun();
      expect(await store().beginEffect(ref, 'mail')).toEqual({ is: 'new' });
      expect(await store().beginEffect(ref, 'mail')).toEqual({ is: 'unknown' });
      await store().endEffect(ref, 'mail', '{"id":7}');
      expect(await store().beginEffect(ref, 'mail')).toEqual({ is: 'done', result: '{"id":7}' });
      expect(await store().beginEffect(ref, 'other')).toEqual({ is: 'new' });
      await store().endEffect(ref, 'other', null);
      expect(await store().beginEffect(ref, 'other')).toEqual({ is: 'done', result: null });
    });

    test('the next attempt learns what the former one did', async () => {
      const first = await begun();
      await store().beginEffect(first, 'ended');
      await store().endEffect(first, 'ended', '1');
      await store().beginEffect(first, 'open');
      await store().beginEffect(first, 'thrown');
      await store().dropEffect(first, 'thrown');
      await store().settle([{ ...done(first), state: 'retrying', inMs: 0 }]);
      const [second] = await claimed(store());
      expect(await store().beginEffect(second!, 'ended')).toEqual({ is: 'done', result: '1' });
      expect(await store().beginEffect(second!, 'open')).toEqual({ is: 'unknown' });
      expect(await store().beginEffect(second!, 'thrown')).toEqual({ is: 'new' });
      await store().endEffect(second!, 'open', '2');
      expect(await store().beginEffect(second!, 'open')).toEqual({ is: 'done', result: '2' });
      await store().dropEffect(second!, 'open');
      expect(await store().effectsOf(first.job)).toEqual([
        { key: 'ended', isDone: true, result: '1' },
        { key: 'open', isDone: true, result: '2' },
        { key: 'thrown', isDone: false, result: null },
      ]);
      expect(await store().effectsOf('job-none')).toEqual([]);
      // Of the keys ended, open and thrown, and two results of a character each; nothing of another agent.
      expect(await store().keptBytes('a')).toBe(17);
      await store().setState('a', 'é', '"é"');
      await store().setState('b', 'k', '1');
      expect(await store().keptBytes('a')).toBe(23);
      expect(await store().keptBytes('nobody')).toBe(0);
      expect(await store().beginEffect(second!, 'open')).toEqual({ is: 'done', result: '2' });
    });

    test('an effect that was done and whose result could not be kept stays so, with the reason', async () => {
      const ref = await begun();
      await store().beginEffect(ref, 'charge');
      await store().endEffect(ref, 'charge', null, 'result.id is a BigInt');
      expect(await store().beginEffect(ref, 'charge')).toEqual({
        is: 'not-kept',
        problem: 'result.id is a BigInt',
      });
      expect(await store().effectsOf(ref.job)).toEqual([
        { key: 'charge', isDone: true, result: null, problem: 'result.id is a BigInt' },
      ]);
      await store().endEffect(ref, 'charge', '1');
      expect(await store().beginEffect(ref, 'charge')).toEqual({ is: 'done', result: '1' });
    });

    test('an attempt that lost its job is refused, and the calls beside it are not', async () => {
      const ref = await begun();
      await store().cancel(ref.job, { code: 'X', message: 'x' });
      const answers = await Promise.allSettled([
        store().beginEffect(ref, 'k'),
        store().setState('a', 'beside', '1'),
        store().endEffect(ref, 'k', null),
        store().dropEffect(ref, 'k'),
        store().beginEffect({ job: 'job-unknown', attempt: 1 }, 'k'),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([
        'rejected',
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
      ]);
      for (const answer of answers) {
        if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ plain: { code: 'FENCED' } });
      }
      expect(await store().getState('a', 'beside')).toBe('1');
    });

    test('an attempt that is followed by another one is refused, although the job runs', async () => {
      await added(store(), [{}]);
      const [first] = await claimed(store());
      await store().settle([{ ...done(first!), state: 'retrying', inMs: 0 }]);
      const [second] = await claimed(store());
      const late = [store().beginEffect(first!, 'k'), store().endEffect(first!, 'k', '1')];
      for (const answer of await Promise.allSettled([...late, store().dropEffect(first!, 'k')])) {
        expect(answer).toMatchObject({ status: 'rejected', reason: { plain: { code: 'FENCED' } } });
      }
      expect(await store().beginEffect(second!, 'k')).toEqual({ is: 'new' });
    });
  });

  test('state is a map of each agent', async () => {
    expect(await store().getState('a', 'k')).toBeUndefined();
    await store().setState('a', 'k', '{"n":1}');
    await store().setState('a', 'k', '{"n":2}');
    await store().setState('a', 'j', 'null');
    await store().setState('b', 'k', '3');
    expect(await store().getState('a', 'k')).toBe('{"n":2}');
    expect(await store().stateKeys('a')).toEqual(['j', 'k']);
    await store().deleteState('a', 'k');
    await store().deleteState('a', 'never');
    expect(await store().getState('a', 'k')).toBeUndefined();
    expect(await store().getState('b', 'k')).toBe('3');
    expect(await store().stateKeys('nobody')).toEqual([]);
    expect(await store().stateEntries('b')).toEqual([{ key: 'k', value: '3', setAt: T0 }]);
    expect(await store().stateEntries('a', 'k')).toEqual([]);
    await store().setState('a', 'é', '"é"');
    expect(await store().stateSizes()).toEqual([
      { agent: 'a', keys: 2, bytes: 8 },
      { agent: 'b', keys: 1, bytes: 1 },
    ]);
    await store().setState('b', 'j', '2');
    expect(await store().moveState('b', 'a')).toEqual(['k']);
    expect(await store().stateEntries('b')).toEqual([{ key: 'j', value: '2', setAt: T0 }]);
    expect(await store().getState('a', 'k')).toBe('3');
    expect(await store().getState('a', 'j')).toBe('null');
  });

  test('pauses last until they are ended or replaced', async () => {
    expect(await store().pause('b', null)).toEqual({ since: T0, until: null });
    expect(await store().pause('a', HOUR)).toEqual({ since: T0, until: T0 + HOUR });
    await at(T0 + 1).pause('b', 2 * HOUR);
    expect(await store().paused()).toEqual([
      { agent: 'a', since: T0, until: T0 + HOUR },
      { agent: 'b', since: T0 + 1, until: T0 + 1 + 2 * HOUR },
    ]);
    expect(await store().resume('a')).toBe(T0 + 1);
    expect(await store().resume('never')).toBeNull();
    expect(await store().paused()).toMatchObject([{ agent: 'b' }]);
  });

  test('a pause and its end by a person are written with their events: no kill falls between the two', async () => {
    await store().pause('a', null);
    await at(T0 + 1).pause('a', HOUR);
    await at(T0 + 2).resume('a');
    await at(T0 + 3).resume('a');
    // The end of its time is no event.
    await at(T0 + 4).pause('a', HOUR);
    await at(T0 + 5).resume('a', T0 + 4 + HOUR);
    const events = await store().events({ agent: 'a', limit: 10 });
    expect(events.map((one) => [one.at, one.kind, one.data?.until])).toEqual([
      [T0 + 4, 'agent.paused', '2026-11-24T13:00:00.004Z'],
      [T0 + 2, 'agent.resumed', undefined],
      [T0 + 1, 'agent.paused', '2026-11-24T13:00:00.001Z'],
      [T0, 'agent.paused', null],
    ]);
  });

  test('the end of a pause that comes late takes no newer pause along', async () => {
    const { until } = await store().pause('a', HOUR);
    await at(T0 + 1).pause('a', HOUR);
    await store().resume('a', until!);
    expect(await store().paused()).toMatchObject([{ agent: 'a', until: T0 + 1 + HOUR }]);
    await store().resume('a', T0 + 1 + HOUR);
    expect(await store().paused()).toEqual([]);
    await store().pause('a', null);
    await store().resume('a', until!);
    expect(await store().paused()).toHaveLength(1);
  });

  test('a change of pauses is told on every host', async () => {
    const told: string[] = [];
    const stops = [store(), other()].map((one, i) => one.pauseChanges(() => void told.push(`${i}`)));
    await store().pause('a', null);
    await expect.poll(() => [...new Set(told)].sort()).toEqual(['0', '1']);
    for (const stop of stops) stop();
    const before = told.length;
    await store().resume('a');
    expect(told).toHaveLength(before);
  });

  test('events come back newest first, by kind, agent and time', async () => {
    const event = (at: number, kind: string, agent: string | null) => ({
      at,
      kind,
      agent,
      message: `${kind} at ${at}`,
    });
    await store().append([
      event(T0, 'host.started', null),
      { ...event(T0 + 1, 'worker.gone', 'a'), data: { worker: 'w1', codes: [1, null] } },
    ]);
    await store().append([event(T0 + 1, 'worker.gone', 'b')]);
    const all = await store().events({ limit: 10 });
    expect(all.map(({ agent }) => agent)).toEqual(['b', 'a', null]);
    expect(all[1]).toEqual({
      id: expect.any(Number),
      ...event(T0 + 1, 'worker.gone', 'a'),
      data: { worker: 'w1', codes: [1, null] },
      who: null,
      cause: null,
    });
    const none = { who: null, cause: null };
    expect(all[2]).toEqual({ id: expect.any(Number), ...event(T0, 'host.started', null), ...none });
    expect(await store().events({ kind: 'worker.gone', limit: 1 })).toEqual([all[0]]);
    expect(await store().events({ agent: 'a', limit: 9 })).toEqual([all[1]]);
    expect(await store().events({ kind: 'worker.gone', agent: 'a', since: T0 + 1, limit: 9 })).toEqual([all[1]]);
    expect(await store().events({ since: T0 + 2, limit: 9 })).toEqual([]);
  });

  test('a heartbeat is the newest of its kind and name, until it is forgotten or old', async () => {
    await store().putHeartbeats([
      { kind: 'run', name: 'a', at: T0 + 2 },
      { kind: 'loop', name: 'jobs', at: T0 },
      { kind: 'beat', name: 'a', at: T0 },
      { kind: 'ping', name: 'nas', at: T0 + HOUR, withinMs: 5 },
    ]);
    await store().putHeartbeats([
      { kind: 'run', name: 'a', at: T0 + 1 },
      { kind: 'loop', name: 'jobs', at: T0 + HOUR },
    ]);
    const newest = [
      { kind: 'loop', name: 'jobs', at: T0 + HOUR },
      { kind: 'ping', name: 'nas', at: T0 + HOUR, withinMs: 5 },
      { kind: 'run', name: 'a', at: T0 + 2 },
    ];
    expect(await store().heartbeats()).toEqual([{ kind: 'beat', name: 'a', at: T0 }, ...newest]);
    expect(await store().forgetHeartbeat('beat', 'a')).toBe(true);
    expect(await store().forgetHeartbeat('beat', 'a')).toBe(false);
    expect(await store().heartbeats()).toEqual(newest);
    await store().prune({ jobs: 0, slots: 0, events: T0 + 3 }, 9);
    expect(await store().heartbeats()).toEqual(newest.slice(0, 2));
  });

  test('a finding is the last one of its kind and key; they come newest first, and go when they are old', async () => {
    const drill = (at: number, proven: number) =>
      ({ kind: 'drill-models', key: `${at}`, at, record: { proven } }) as const;
    const diagnosis = { kind: 'diagnosis', key: 'f-1', at: T0, record: { cause: 'a leak' } } as const;
    for (const one of [drill(T0, 1), drill(T0 + 5, 2), diagnosis]) await store().putFinding(one);
    expect(await store().findings({ kind: 'drill-models', limit: 9 })).toEqual([drill(T0 + 5, 2), drill(T0, 1)]);
    expect(await store().findings({ kind: 'drill-models', limit: 1 })).toEqual([drill(T0 + 5, 2)]);
    const again = { ...diagnosis, at: T0 + 9, record: { cause: 'a hang' } };
    await store().putFinding(again);
    expect(await store().findings({ kind: 'diagnosis', keys: ['f-2', 'f-1'], limit: 9 })).toEqual([again]);
    expect(await store().findings({ kind: 'diagnosis', keys: ['f-2'], limit: 9 })).toEqual([]);
    await store().prune({ jobs: 0, slots: 0, events: T0 + 6 }, 9);
    expect(await store().findings({ kind: 'drill-models', limit: 9 })).toEqual([]);
    expect(await store().findings({ kind: 'diagnosis', limit: 9 })).toEqual([again]);
  });
}
