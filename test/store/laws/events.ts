import { describe, expect, test } from 'vitest';
import type { Incident } from '../../../src/healing/ports.ts';
import type { KeptEvent, Listener } from '../../../src/telemetry/ports.ts';
import { added, claimed, done, failed, freshStore, HOST, LEASE, type OpenStore, T0 } from './world.ts';

const BOUNDS = { events: 1_000, waiting: 1_000 };
const pager: Listener = { agent: 'pager', topics: ['job.dead', 'incident.opened'], attempts: 3 };
const INCIDENT: Omit<Incident, 'id'> = {
  ...{ agent: 'a', verdict: 'crashed', state: 'open', openedAt: T0, endedAt: null, fingerprint: 'f', seen: 'it fell' },
  ...{ version: null, jobs: [], remedies: [], timeline: [], evidence: null, repeats: 0, note: null },
};

/** Laws of events that give jobs to the agents that listen to them. */
export function eventLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);
  const event = (kind: string, agent: string | null = 'a', data: Record<string, unknown> = {}) =>
    store().append([{ at: T0, kind, agent, message: `${kind} of ${agent}`, data }]);
  const tell = (listeners: Listener[] = [pager], bounds = BOUNDS) => at(T0).deliverEvents(listeners, bounds);
  const inputs = async (agent = 'pager') =>
    (await store().list({ agent, limit: 1_000 }))
      .filter(({ trigger }) => trigger === 'event')
      .reverse()
      .map(({ input }) => JSON.parse(input!));
  const topics = async (agent = 'pager') => (await inputs(agent)).map(({ topic }) => topic);
  /** Lets the next job of an agent die. */
  const die = async (agent: string) => {
    const [taken] = await claimed(store(), 1, T0, agent);
    await store().settle([failed(taken!, { state: 'dead' })]);
    return taken!;
  };

  test('a listener is told of what happens from the first time that it is named, in order and once', async () => {
    await event('job.dead');
    expect(await tell()).toEqual([{ agent: 'pager', jobs: 0, isBehind: false }]);
    await event('incident.opened', null, { verdict: 'host-lost' });
    await event('agent.paused');
    await event('job.dead', 'b');
    expect(await tell()).toEqual([{ agent: 'pager', jobs: 2, isBehind: false }]);
    expect(await tell()).toEqual([{ agent: 'pager', jobs: 0, isBehind: false }]);
    const at = new Date(T0).toISOString();
    expect(await inputs()).toEqual([
      {
        ...{ topic: 'incident.opened', from: null, id: expect.any(Number), at, agent: null },
        ...{ message: 'incident.opened of null', data: { verdict: 'host-lost' } },
      },
      expect.objectContaining({ topic: 'job.dead', agent: 'b' }),
    ]);
    const [job] = await store().list({ agent: 'pager', limit: 1 });
    expect(job).toMatchObject({ trigger: 'event', attempts: 3, parent: null, depth: 0 });
  });

  test('a dead letter is an event of its own, written with the end', async () => {
    await tell();
    await added(store(), [{ agent: 'a' }, { agent: 'a' }]);
    const { job } = await die('a');
    const [second] = await claimed(store(), 1, T0, 'a');
    await store().settle([done(second!)]);
    await tell();
    expect(await inputs()).toMatchObject([
      {
        topic: 'job.dead',
        agent: 'a',
        data: { job, trigger: 'manual', attempts: 1, code: 'ERROR', error: 'it broke' },
      },
    ]);
  });

  test('an end that is written twice, and one that the fence refuses, is told once', async () => {
    await tell();
    await added(store(), [{ agent: 'a' }]);
    const [taken] = await claimed(store(), 1, T0, 'a');
    const end = failed(taken!, { state: 'dead' });
    expect(await store().settle([end])).toEqual([true]);
    expect(await store().settle([end])).toEqual([true]);
    expect(await store().settle([failed({ ...taken!, attempt: 2 }, { state: 'dead' })])).toEqual([false]);
    await tell();
    expect(await topics()).toEqual(['job.dead']);
  });

  test('reports of an incident are written with it, and only by the host that holds it', async () => {
    await tell();
    const reports = (kind: string, words: string) => [{ at: T0, kind, words, data: { more: 1 } }];
    const { id } = await store().openIncident(INCIDENT, LEASE, reports('incident.opened', 'a: it fell'));
    const theirs = { owner: { host: 'other', run: '1' }, leaseMs: 60_000 };
    await store().openIncident(INCIDENT, theirs, reports('incident.opened', 'seen elsewhere'));
    await store().updateIncident(
      { id, ...INCIDENT, state: 'healed', endedAt: T0 },
      HOST,
      reports('incident.healed', 'up'),
    );
    await tell();
    expect(await inputs()).toMatchObject([
      { message: `${id} a: it fell`, data: { incident: id, verdict: 'crashed', seen: 'it fell', job: null, more: 1 } },
    ]);
    const kept = await store().events({ kind: 'incident.healed', limit: 9 });
    expect(kept).toMatchObject([{ agent: 'a', message: `${id} up` }]);
  });

  test('a quarantine is told when its incident has a name, and once more when it ends for a reason', async () => {
    const record = { agent: 'a', since: T0, incident: '', probes: 0, nextProbeAt: T0, fingerprint: 'f' };
    await store().putQuarantine(record, HOST);
    for (const probes of [0, 1]) await store().putQuarantine({ ...record, incident: 'inc-1', probes }, HOST);
    await store().endQuarantine('a', HOST, { why: 'its probe was done' });
    await store().endQuarantine('a', HOST, { why: 'its probe was done' });
    await store().putQuarantine({ ...record, incident: 'inc-2' }, HOST);
    await store().endQuarantine('a', HOST);
    const kept = (await store().events({ agent: 'a', limit: 9 })).reverse();
    expect(kept.map(({ kind, data }) => [kind, data])).toEqual([
      ['agent.quarantined', { incident: 'inc-1' }],
      ['agent.released', { incident: 'inc-1', why: 'its probe was done' }],
      ['agent.quarantined', { incident: 'inc-2' }],
    ]);
  });

  test('an agent is not told of itself, and nobody of a job that came of an event: agents cannot feed each other', async () => {
    const other: Listener = { ...pager, agent: 'other' };
    await tell([pager, other]);
    await added(store(), [{ agent: 'pager' }]);
    await die('pager');
    await tell([pager, other]);
    expect([await topics(), await topics('other')]).toEqual([[], ['job.dead']]);
    // Whoever dies of an event, and what it had sent to others.
    const ofEvent = await die('other');
    await added(store(), [{ agent: 'mailer', trigger: 'send', parent: ofEvent.job, depth: 1 }]);
    await die('mailer');
    await tell([pager, other]);
    expect([await topics(), await topics('other')]).toEqual([[], ['job.dead']]);
    // The event of a plugin is none of the host's.
    const [sender] = await added(store(), [{ agent: 'a' }]);
    await added(store(), [{ agent: 'b', trigger: 'event', parent: sender!, depth: 1 }]);
    await die('b');
    await tell([pager, other]);
    expect([await topics(), await topics('other')]).toEqual([['job.dead'], ['job.dead', 'job.dead']]);
  });

  test('waiting jobs of a listener have a bound; beyond it events wait as rows, and none is lost', async () => {
    await tell();
    for (let n = 0; n < 10; n++) await event('job.dead', `a${n}`);
    expect(await tell([pager], { events: 1_000, waiting: 4 })).toMatchObject([{ jobs: 4, isBehind: false }]);
    expect(await tell([pager], { events: 1_000, waiting: 4 })).toMatchObject([{ jobs: 0 }]);
    const taken = await claimed(store(), 3, T0, 'pager');
    await store().settle(taken.map((one) => done(one)));
    expect(await tell([pager], { events: 2, waiting: 4 })).toMatchObject([{ jobs: 2, isBehind: true }]);
    expect(await tell()).toMatchObject([{ jobs: 4, isBehind: false }]);
    expect((await inputs()).map(({ agent }) => agent)).toEqual(Array.from({ length: 10 }, (_, n) => `a${n}`));
  });

  test('an agent that listens no more, and comes back, is told of what happens from then on', async () => {
    await tell();
    await event('job.dead', 'a');
    await tell([]);
    await event('job.dead', 'b');
    await tell();
    await event('job.dead', 'c');
    await tell();
    expect((await inputs()).map(({ agent }) => agent)).toEqual(['c']);
  });

  describe('causes', () => {
    const told = (kind: string, about: string[], cameOf: string[], at = T0) =>
      store().append([{ at, kind, agent: 'a', message: kind, who: 'cli:ann', about, cameOf }]);
    const kindsOf = (events: readonly KeptEvent[] = []) => events.map(({ kind }) => kind);

    test('an event comes of the newest event about the first subject that has one', async () => {
      await told('file.saved', ['file:a', 'file:b'], []);
      await told('agent.changed', ['version:a:1'], ['file:b']);
      await told('file.saved', ['file:b'], ['file:b']);
      await told('worker.gone', ['worker:w1'], ['nothing', 'version:a:1', 'file:b']);
      await told('lone', [], ['nothing']);
      const events = await store().events({ limit: 9 });
      expect(events.map(({ id, cause, who }) => [id, cause, who]).sort()).toEqual([
        [1, null, 'cli:ann'],
        [2, 1, 'cli:ann'],
        [3, 1, 'cli:ann'],
        [4, 2, 'cli:ann'],
        [5, null, 'cli:ann'],
      ]);
    });

    test('the line of an event leads from its first cause to it, and what came of it follows', async () => {
      await told('file.saved', ['file:a'], []);
      await told('agent.changed', ['version:a:1'], ['file:a']);
      await told('worker.gone', ['incident:inc-1'], ['version:a:1']);
      await told('other', [], ['file:a']);
      await told('incident.opened', ['incident:inc-1'], ['incident:inc-1']);
      await told('incident.healed', ['incident:inc-1'], ['incident:inc-1']);
      const whole = await store().causesOf({ about: 'incident:inc-1' }, 100);
      expect(kindsOf(whole?.line)).toEqual([
        'file.saved',
        'agent.changed',
        'worker.gone',
        'incident.opened',
        'incident.healed',
      ]);
      expect(whole).toMatchObject({ after: [], isWhole: true });
      const middle = await store().causesOf({ id: 2 }, 100);
      expect(kindsOf(middle?.line)).toEqual(['file.saved', 'agent.changed']);
      expect(kindsOf(middle?.after)).toEqual(['worker.gone', 'incident.opened', 'incident.healed']);
      expect(await store().causesOf({ id: 99 }, 100)).toBeUndefined();
      expect(await store().causesOf({ about: 'incident:inc-9' }, 100)).toBeUndefined();
    });

    test('a line of ten thousand events is as long as was asked for, and says that it goes on', async () => {
      const one = { at: T0, kind: 'k', agent: null, message: 'k', about: ['x'], cameOf: ['x'] };
      await store().append(Array.from({ length: 10_000 }, () => one));
      const newest = await store().causesOf({ about: 'x' }, 50);
      expect(newest?.line.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, i) => 9_951 + i));
      expect(newest?.isWhole).toBe(false);
      expect((await store().causesOf({ id: 1 }, 50))?.after.map(({ id }) => id)).toEqual(
        Array.from({ length: 50 }, (_, i) => 2 + i),
      );
    });

    test('a cause that is cleared up ends the line, and no later event comes of it', async () => {
      await told('file.saved', ['file:a'], []);
      await told('agent.changed', ['version:a:1'], ['file:a'], T0 + 9);
      await store().prune({ jobs: 0, slots: 0, events: T0 + 1 }, 100);
      expect(await store().causesOf({ id: 2 }, 9)).toMatchObject({ line: [{ id: 2, cause: 1 }], isWhole: false });
      await told('agent.changed', [], ['file:a']);
      expect((await store().causesOf({ id: 3 }, 9))?.line).toMatchObject([{ id: 3, cause: null }]);
    });

    test('slots that a pause skips come of the pause: one event for the slots in a row', async () => {
      await store().pause('a', null, 'cli:ann');
      const skipped = (due: number, reason = 'a is paused') =>
        store().decide([{ agent: 'a', due, state: 'skipped', reason, cameOf: ['pause:a'] }]);
      await skipped(T0 + 1);
      await skipped(T0 + 2);
      await store().decide([{ agent: 'a', due: T0 + 3, state: 'skipped', reason: 'job-1 is unfinished' }]);
      for (const due of [T0 + 4, T0 + 5])
        await store().decide([{ agent: 'a', due, state: 'missed', reason: `at ${due}` }]);
      const [missed, first, pause] = await store().events({ limit: 9 });
      expect(missed).toMatchObject({ kind: 'slot.missed', cause: null });
      expect(first).toMatchObject({
        kind: 'slot.skipped',
        cause: pause!.id,
        message: expect.stringMatching(/is paused$/),
      });
      expect(pause).toMatchObject({ kind: 'agent.paused', who: 'cli:ann' });
      expect(await store().events({ limit: 9 })).toHaveLength(3);
    });
  });

  test('the newest event outlives its time, so that no event has the number of another one', async () => {
    await tell();
    await event('job.dead', 'a');
    await store().prune({ jobs: 0, slots: 0, events: T0 + 1 }, 100);
    await event('job.dead', 'b');
    await tell();
    expect((await inputs()).map(({ agent }) => agent)).toEqual(['a', 'b']);
  });
}
