import { expect, test } from 'vitest';
import type { Incident } from '../../../src/healing/ports.ts';
import { freshStore, HOST, HOUR, LEASE, MINUTE, type OpenStore, T0 } from './world.ts';

const incident = (more: Partial<Incident> = {}): Omit<Incident, 'id'> => ({
  agent: 'a',
  verdict: 'crashed',
  state: 'open',
  openedAt: T0,
  endedAt: null,
  fingerprint: 'f-1',
  seen: 'it fell',
  version: 'v1',
  jobs: ['job-1'],
  remedies: [{ kind: 'retry', at: T0, what: 'tried again', held: null }],
  timeline: [{ at: T0, what: 'seen', text: 'it fell' }],
  evidence: { at: T0, tookMs: 3, fault: { code: 'CRASHED', message: 'it fell' } },
  repeats: 0,
  note: null,
  ...more,
});

/** Laws of incidents, the ledger of remedies, quarantines and mutes. */
export function incidentLaws(open: OpenStore): void {
  const { store, other, at } = freshStore(open);
  const opened = async (more: Partial<Incident> = {}) => (await store().openIncident(incident(more), LEASE)).id;

  test('an incident gets an id of its own, comes back whole, and is replaced by its next state', async () => {
    const id = await opened();
    const other = await opened({ agent: null, verdict: 'host-lost', evidence: null });
    expect(id).toMatch(/^inc-\d+$/);
    expect(other).not.toBe(id);
    expect(await store().incident(id)).toEqual({ id, ...incident() });
    const healed = { id, ...incident({ state: 'healed', endedAt: T0 + 5, repeats: 2, note: 'seen' }) };
    await store().updateIncident(healed, HOST);
    expect(await store().incident(id)).toEqual(healed);
    expect((await store().incident(other))?.agent).toBeNull();
  });

  test('an incident that nobody opened is unknown, and cannot be replaced', async () => {
    for (const id of ['inc-7', 'inc-0', 'inc-', 'job-1', '']) expect(await store().incident(id)).toBeUndefined();
    await expect(store().updateIncident({ id: 'inc-7', ...incident() }, HOST)).rejects.toMatchObject({
      plain: { code: 'INCIDENT_UNKNOWN' },
    });
  });

  test('incidents come newest first, by agent, state and time', async () => {
    const ids = [
      await opened({ state: 'healed', endedAt: T0 + 1 }),
      await opened({ agent: 'b', state: 'healed', endedAt: T0 + HOUR }),
      await opened({ openedAt: T0 - HOUR }),
      await opened({ state: 'escalated' }),
      await opened({ agent: null, state: 'closed', endedAt: T0 }),
    ];
    const found = async (filter: Parameters<ReturnType<typeof store>['incidents']>[0]) =>
      (await store().incidents(filter)).map(({ id }) => ids.indexOf(id));
    expect(await found({ limit: 9 })).toEqual([4, 3, 2, 1, 0]);
    expect(await found({ limit: 2 })).toEqual([4, 3]);
    expect(await found({ exceptPrefix: 'a', limit: 9 })).toEqual([4, 1]);
    expect(await found({ agent: 'a', limit: 9 })).toEqual([3, 2, 0]);
    expect(await found({ states: ['open', 'escalated'], limit: 9 })).toEqual([3, 2]);
    expect(await found({ since: T0 + HOUR, limit: 9 })).toEqual([3, 2, 1]);
    expect(await found({ agent: 'b', states: ['healed'], since: T0 + HOUR + 1, limit: 9 })).toEqual([]);
  });

  test('the ledger counts how often a remedy was tried and held', async () => {
    await store().recordRemedy('f-1', 'retry', false);
    await store().recordRemedy('f-1', 'retry', true);
    await store().recordRemedy('f-1', 'own-cell', true);
    await store().recordRemedy('f-2', 'retry', false);
    expect(await store().remedyRecords('f-1')).toEqual([
      { fingerprint: 'f-1', kind: 'own-cell', tried: 1, held: 1 },
      { fingerprint: 'f-1', kind: 'retry', tried: 2, held: 1 },
    ]);
    expect(await store().remedyRecords('f-3')).toEqual([]);
  });

  test('a quarantine lasts until it is ended, and is replaced by its next state', async () => {
    const record = { agent: 'a', since: T0, incident: 'inc-1', probes: 0, nextProbeAt: T0 + 60_000, fingerprint: 'x' };
    await store().putQuarantine(record, HOST);
    await store().putQuarantine({ ...record, agent: 'b' }, HOST);
    await store().putQuarantine({ ...record, probes: 1, nextProbeAt: T0 + 180_000 }, HOST);
    await store().endQuarantine('b', HOST);
    await store().endQuarantine('never', HOST);
    expect(await store().quarantines()).toEqual([{ ...record, probes: 1, nextProbeAt: T0 + 180_000 }]);
  });

  test('a cause is muted from now until its time, which is the last that was said, or until it is ended', async () => {
    expect(await store().muteCause('f-1', HOUR)).toBe(T0 + HOUR);
    await store().muteCause('f-2', MINUTE);
    await store().muteCause('f-1', MINUTE);
    expect(await store().mutes()).toEqual([
      { fingerprint: 'f-1', until: T0 + MINUTE },
      { fingerprint: 'f-2', until: T0 + MINUTE },
    ]);
    expect(await store().muteCause('f-1', null)).toBeNull();
    expect(await store().mutes()).toEqual([{ fingerprint: 'f-2', until: T0 + MINUTE }]);
    await store().prune({ jobs: 0, slots: 0, events: T0 + HOUR }, 100);
    expect(await store().mutes()).toEqual([]);
  });

  test('incidents that ended long ago go, those that are open and the newest stay', async () => {
    const old = await opened({ state: 'healed', endedAt: T0 });
    const unended = await opened();
    const newest = await opened({ state: 'closed', endedAt: T0 });
    await store().prune({ jobs: 0, slots: 0, events: T0 + HOUR }, 100);
    expect((await store().incidents({ limit: 9 })).map(({ id }) => id)).toEqual([newest, unended]);
    expect(await opened()).not.toBe(old);
  });

  const OTHER = { owner: { host: 'other', run: 'run 1' }, leaseMs: MINUTE };

  test('the trouble that another host holds is not opened once more, until it has ended or the host has let it go', async () => {
    const id = await opened();
    expect(await other().openIncident(incident({ seen: 'here, too' }), OTHER)).toEqual({ id, isNew: false });
    expect(await store().incident(id)).toEqual({ id, ...incident() });
    for (const more of [
      { fingerprint: 'f-2' },
      { agent: 'b' },
      { agent: null },
      { state: 'closed', endedAt: T0 } as const,
    ])
      expect(await other().openIncident(incident(more), OTHER)).toMatchObject({ isNew: true });
    // A host knows its own; and no lease outlives its end.
    expect(await store().openIncident(incident(), LEASE)).toMatchObject({ isNew: true });
    await store().updateIncident({ id, ...incident({ state: 'healed', endedAt: T0 + 1 }) }, HOST);
    expect(await at(T0 + MINUTE + 1).openIncident(incident(), OTHER)).toMatchObject({ isNew: true });
  });

  test('an incident is held by one host at a time, and by the next when that host is gone', async () => {
    const id = await opened();
    const ended = await opened({ state: 'closed', endedAt: T0, fingerprint: 'f-2' });
    expect(await other().holdIncidents(OTHER)).toEqual([]);
    expect(await store().holdIncidents({ ...LEASE, owner: { host: HOST.host, run: 'run 2' } })).toEqual([
      { id, ...incident() },
    ]);
    const grown = { id, ...incident({ repeats: 1 }) };
    await expect(other().updateIncident({ ...grown, repeats: 9 }, OTHER.owner)).rejects.toMatchObject({
      plain: { code: 'INCIDENT_HELD' },
    });
    await store().updateIncident(grown, HOST);
    at(T0 + LEASE.leaseMs);
    expect(await other().holdIncidents(OTHER)).toEqual([]);
    at(T0 + LEASE.leaseMs + 1);
    expect(await other().holdIncidents(OTHER)).toEqual([grown]);
    expect(await store().holdIncidents(LEASE)).toEqual([]);
    await expect(store().updateIncident(grown, HOST)).rejects.toMatchObject({ plain: { code: 'INCIDENT_HELD' } });
    // A person's order asks nobody.
    const closed = { ...grown, state: 'closed', endedAt: T0 + 9, note: 'seen' } as const;
    await store().updateIncident(closed, null);
    expect(await store().incident(id)).toEqual(closed);
    expect(await other().holdIncidents(OTHER)).toEqual([]);
    expect(await store().incident(ended)).toMatchObject({ state: 'closed' });
  });

  test('changes of incidents and quarantines are told, with the host that made them', async () => {
    const told: unknown[] = [];
    const stop = other().healingChanges((change) => told.push(change));
    const id = await opened();
    await store().updateIncident({ id, ...incident({ repeats: 1 }) }, HOST);
    await store().updateIncident({ id, ...incident({ note: 'seen' }) }, null);
    const record = { agent: 'a', since: T0, incident: id, probes: 0, nextProbeAt: T0, fingerprint: 'x' };
    await store().putQuarantine(record, HOST);
    await store().endQuarantine('a', HOST);
    const { host } = HOST;
    await expect.poll(() => told).toHaveLength(5);
    expect(told).toEqual([
      { is: 'incident', by: host },
      { is: 'incident', by: host },
      { is: 'incident', by: null },
      { is: 'quarantine', by: host },
      { is: 'quarantine', by: host },
    ]);
    stop();
    await opened({ fingerprint: 'f-2' });
    expect(told).toHaveLength(5);
  });
}
